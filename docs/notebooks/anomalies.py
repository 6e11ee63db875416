# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---
# %% [markdown]
# # Anomalies, step by step
#
# An auto-encoder that was trained on threes alone reconstructs threes well, and other digits badly.
# The reconstruction error shows how abnormal an image is, and where.
#
# This page is `docs/notebooks/anomalies.py` of the repository. Its packages come with
# `python -m pip install ".[tensorflow,anomaly,examples]"`; any backend will do.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score

from keras_egan import anomaly, datasets, pictures

images, labels = datasets.load(
    "digits", image_size=28, labels=True, batch_size=5000, shuffle=False
)[0]
threes, others = images[labels == 3], images[labels != 3]
len(threes), len(others)

# %% [markdown]
# The detector gets 400 threes. It trains on 320 of them, and sets the threshold by the other 80, so
# that it flags 5 % of unseen threes. The other 100 threes are for the test, with the other digits.
# The detector has the methods of PyOD's detectors.

# %%
detector = anomaly.EnergyDetector(contamination=0.05, verbose=0).fit(threes[:400])

# %%
unseen = threes[400:]
scores = {
    "threes": detector.decision_function(unseen),
    "others": detector.decision_function(others),
}
plt.figure(figsize=(8, 3))
for name, values in scores.items():
    plt.hist(values, bins=60, density=True, alpha=0.6, label=name)
plt.axvline(detector.threshold_, color="black", label="threshold")
plt.xlabel("score")
plt.legend()
plt.show()

# %% [markdown]
# The area under the ROC curve, the share of threes that are flagged by mistake, and the share of
# other digits that are found:

# %%
truth = np.repeat([0, 1], [len(unseen), len(others)])
area = roc_auc_score(truth, np.concatenate(list(scores.values())))
flagged = {name: (values > detector.threshold_).mean() for name, values in scores.items()}
round(area, 3), {name: round(float(share), 3) for name, share in flagged.items()}

# %% [markdown]
# ## Where
#
# `anomaly_map` shows where an image is abnormal. These are the least abnormal of the other digits,
# which resemble threes, and the most abnormal:

# %%
order = np.argsort(scores["others"])
chosen = others[np.concatenate([order[:8], order[-8:]])]
maps = detector.anomaly_map(chosen)
plt.figure(figsize=(8, 4))
plt.imshow(pictures.grid(anomaly.overlay(chosen, maps), columns=8))
plt.axis("off")
plt.show()

# %% [markdown]
# ## Save, load, export
#
# `detector.export("threes.onnx", "onnx")` writes one file from image to score, map and label. See
# [anomalies](../../guides/anomalies/).

# %%
detector.save("run/threes.keras")
again = anomaly.EnergyDetector.load("run/threes.keras")
float(np.abs(again.decision_function(unseen) - scores["threes"]).max())
