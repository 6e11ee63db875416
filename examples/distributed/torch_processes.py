"""Trains on PyTorch in one process per device, which torchrun starts.

Two processes on this machine, on its GPUs, which they share if there are fewer, or on the CPU:

    torchrun --nproc-per-node 2 examples/distributed/torch_processes.py

Two machines with the same number of GPUs: on each, with the address of the first and one of its
free ports,

    torchrun --nnodes 2 --nproc-per-node 1 --rdzv-backend c10d --rdzv-endpoint first:29500 \\
        examples/distributed/torch_processes.py

If a process dies, torchrun names it and ends the others. A killed training resumes when it is
started again, also with another number of processes.
"""

import datetime
import os

import training

arguments = training.flags(__doc__).parse_args()
os.environ["KERAS_BACKEND"] = "torch"

import torch

TIMEOUT = datetime.timedelta(minutes=5)
"""How long a process waits for the others, as while the first draws or writes."""

gpus = torch.cuda.device_count()
if gpus:
    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % gpus)
# All processes choose alike. NCCL refuses two on one GPU; gloo goes through the CPU's memory.
enough = gpus >= int(os.environ["LOCAL_WORLD_SIZE"])
torch.distributed.init_process_group("nccl" if enough else "gloo", timeout=TIMEOUT)

training.train(arguments, *training.build(arguments))
torch.distributed.barrier()  # a process that leaves while the first writes may be aborted
torch.distributed.destroy_process_group()
