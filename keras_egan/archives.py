"""What a `.keras` file has to look like before Keras reads it, and what is wrong, in a sentence."""

import json
import os
import re
import zipfile

__all__ = ["configuration", "reason", "refusal", "shortened"]

_WEIGHTS = "model.weights.h5"
_LARGEST = {"config.json": 2**24, "metadata.json": 2**20}
_CHUNK, _SMALL = 2**20, 2**26
_EXPANSION = 100  # Keras compresses nothing


def configuration(path: str | os.PathLike) -> dict:
    """Returns what is in `config.json` of a `.keras` file, after reading all of the file once.

    Args:
        path: the file.

    Raises:
        ValueError: if it is damaged, or has members that are missing, unknown, doubled, encrypted
            or absurdly large; where the headers say so, before anything is read.
        OSError: if the file cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if wrong := _wrong(members, os.path.getsize(path)):
                raise ValueError(wrong)
            for member in members:
                with archive.open(member) as file:  # which gives no more than the header said
                    while file.read(_CHUNK):  # and holds it against its checksum at the end
                        pass
            found = json.loads(archive.read("config.json"))
    except OSError:
        raise
    except Exception as error:  # zipfile's, zlib's and json's, of many classes
        raise ValueError(refusal(path, f"cannot be opened: {reason(error)}")) from None
    if not isinstance(found, dict):
        raise ValueError(refusal(path, "cannot be opened: its config.json is no configuration"))
    return found


def reason(error: Exception) -> str:
    """Returns what an error of Keras's says, without the configuration that it prints."""
    text = str(error).rpartition("Exception encountered: ")[2]
    if example := re.search(r"Example error message for object .*?:\n\n(.*)", text, re.DOTALL):
        text = example[1]
    text = re.split(r"[{\n]|Full (?:object )?config", text.strip(), maxsplit=1)[0].rstrip(" .:=")
    if not text or isinstance(error, KeyError):
        text = f"{type(error).__name__} {text}".strip()
    return shortened(text, 200)


def refusal(path: str | os.PathLike, what: str, todo: str | None = None) -> str:
    """Returns what is wrong with a file and what to do, in fewer than 500 characters."""
    return f"{shortened(path)} {what}. {todo or 'Use another copy, or save it anew'}."


def shortened(text: object, most: int = 120) -> str:
    """Returns a text, its middle left out where it is longer than `most`."""
    text = str(text)
    return text if len(text) <= most else f"{text[: most // 2 - 2]}...{text[1 - most // 2 :]}"


def _wrong(members: list[zipfile.ZipInfo], size: int) -> str | None:
    names = [member.filename for member in members]
    for name in ("config.json", _WEIGHTS):
        if names.count(name) != 1:
            return f"it has {names.count(name)} members called {name} instead of one"
    for member in members:
        name, parts = shortened(member.filename, 60), member.filename.split("/")
        own = member.filename in (*_LARGEST, _WEIGHTS) or (parts[0] == "assets" and parts[1:])
        if not own or ".." in parts or names.count(member.filename) > 1:
            return f"its member {name} has no place in a `.keras` file, or is there twice"
        if member.flag_bits & 1 or member.compress_type not in (0, zipfile.ZIP_DEFLATED):
            return f"its member {name} is encrypted, or compressed as Keras does not"
        if member.file_size > _LARGEST.get(member.filename, member.file_size):
            return f"its member {name} would take {member.file_size:,} bytes"
    total = sum(member.file_size for member in members)
    if total > max(_SMALL, _EXPANSION * size):
        return f"it would take {total:,} bytes, and has {size:,}"
    return None
