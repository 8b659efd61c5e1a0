"""Tiny slices in folders, cell by cell."""

from collections.abc import Sequence
from pathlib import Path

ACCOUNTS = "account_id,name,website,country,identifier_type,identifier"
TRUTH = "left_id,right_id,key,host_eq,name_eq,regdom_eq,normname_eq"
LEFT = (
    "L1,Acme Holdings,https://www.acme-holdings.com/about,DE,,",
    "L2,Borealis Foods,,FR,,",
    "L3,Cobalt Yachts,cobalt-yachts.com,IT,,",
    "L4,Delta Looms,,,,",
)
RIGHT = (
    "R1,Acme Holdings GmbH,acme-holdings.com,DE,,",
    "R2,Borealis Foods SA,,FR,,",
    "R3,Somebody Else,http://cobalt-yachts.com,US,,",
    "R4,Dlt. Looms,,,,",
)
TRUE = ("L1,R1,a,0,0,1,1", "L2,R2,b,0,0,0,1", "L4,R4,d,0,0,0,0")


def slice_in(
    folder: Path,
    *,
    left: Sequence[str] = (ACCOUNTS, *LEFT),
    right: Sequence[str] = (ACCOUNTS, *RIGHT),
    truth: Sequence[str] = (TRUTH, *TRUE),
) -> Path:
    """Write the three files; the folder."""
    folder.mkdir(parents=True)
    for name, lines in (("left", left), ("right", right), ("truth", truth)):
        (folder / f"{name}.csv").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder
