"""The runs: (name, switches)."""

# As the code does it. Each is explored completely and must hold.
HOLDS = [
    ("two-owners", "G=2 S=2"),
    ("single", "G=2 B=1"),
    ("two-steps", "G=2 B=1 S=2 STEPS=2"),
    ("three-owners", "G=3 M=1"),
    ("three-one", "G=3 S=1 B=1"),
    ("forgets", "G=2 M=1 S=2 FORGET=1"),
    # Few schedules, but those in which the rules below are missed if they are removed.
    ("lite-batches", "G=3 S=2 LITE=2"),
    ("lite-single", "G=3 B=1 LITE=2"),
]

# A rule removed. Each must be violated.
BREAKS = [
    ("stamp", "G=2 S=2 STAMP=0"),
    ("flight", "G=3 S=2 B=1 FLIGHT=0 LITE=2"),
    ("reuse", "G=2 S=1 B=1 REUSE=1"),
    ("lease-never", "G=2 S=2 LEASE=0"),
    ("lease-before", "G=2 S=2 LEASE=1"),
    ("keep", "G=3 S=2 B=1 KEEP=1"),
    ("forget-unsure", "G=2 S=1 B=1 FORGET=2"),
    ("begin-one", "G=2 S=2 BEGINQ=0"),
    ("two-reads", "G=3 S=2 ONEREAD=0 LITE=2"),
    ("no-tail", "G=2 S=2 TAIL=0"),
    ("old-stamp", "G=3 S=1 B=1 TAIL=2"),
    ("tail-keys", "G=3 B=1 TAILKEYS=0 LITE=2"),
    ("no-wait", "G=2 S=2 B=1 WAIT=0"),
    ("falling", "G=3 S=2 RISING=0 LITE=2"),
    ("mark", "G=3 S=2 B=1 MARK=0 LITE=1"),
    ("no-keys", "G=2 B=1 KEYS=0"),
    ("key-log", "G=2 S=2 B=1 KEYLOG=0"),
    ("key-head", "G=2 S=2 B=1 KEYHEAD=0"),
    ("key-stale", "G=2 S=2 B=1 FRESH=0"),
    ("no-bound", "G=2 S=2 B=1 BOUND=0"),
    ("told", "G=2 S=2 B=1 TOLD=0"),
    ("read-one", "G=2 S=2 B=1 READQ=0"),
    ("repair", "G=3 S=2 REPAIR=1 LITE=2"),
]

# As the code does it, further.
LONG = [
    ("begin-late", "G=2 S=2 BEGINHELD=0"),
    ("batch-steps", "G=2 S=2 STEPS=2"),
    ("forgets-two", "G=2 S=1 B=1 FORGET=1"),
]
