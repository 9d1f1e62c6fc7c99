"""Cases on which sides must agree: they cross layers, directions and lengths. As a program, the distances of JAX from torch.nn.

JAX has a process of its own in the tests: once it is imported, a process must not fork any more, which other tests do.
"""

from __future__ import annotations

import json

from bench.case import Case, apart
from bench.workloads import CELLS, Workload

from bench import jax_peer, modules

WORKLOADS = {
    "plain": Workload(3, 5, 6, 16),
    "layers": Workload(3, 4, 5, 9, layers=3),
    "both": Workload(2, 5, 3, 8, layers=2, bidirectional=True),
    "ragged": Workload(4, 9, 5, 8, layers=2, ragged=True),
}
CASES = {f"{cell}-{name}": Case(cell, w) for cell in CELLS for name, w in WORKLOADS.items()}

if __name__ == "__main__":
    found = {}
    for case_name, case in CASES.items():
        side = jax_peer.side(case, 1)
        found[case_name] = {
            "apart": apart(case, modules.padded(case), side),
            "gradients": sorted(side.gradients()),
            "wanted": sorted(case.weights),
        }
    print(json.dumps(found))
