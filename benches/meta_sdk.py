"""The encoding of contacts by Meta's own Python SDK: normalized, hashed, and as the JSON of the upload.

    meta_sdk.py CONTACTS.csv [PASSES]

CONTACTS.csv has the eight columns of crates/sync/benches/encoding.rs (`cargo run --release -p sync --example
stored_contacts`). Prints contacts per second of each pass, one thread. `facebook_business` must be installed;
scripts/performance does it.
"""

import csv
import json
import sys
import time

from facebook_business.adobjects.customaudience import CustomAudience

FIELDS = CustomAudience.Schema.MultiKeySchema
SCHEMA = [FIELDS.email, FIELDS.phone, FIELDS.fn, FIELDS.ln, FIELDS.ct, FIELDS.st, FIELDS.zip, FIELDS.country]
ROWS_PER_REQUEST = 10_000


def main():
    with open(sys.argv[1], newline="") as file:
        rows = list(csv.reader(file))[1:]
    passes = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    for _ in range(passes):
        begun = time.process_time()
        for start in range(0, len(rows), ROWS_PER_REQUEST):
            part = rows[start : start + ROWS_PER_REQUEST]
            json.dumps(CustomAudience.format_params(SCHEMA, part, is_raw=True))
        print(f"{len(rows) / (time.process_time() - begun):.0f} contacts/s")


if __name__ == "__main__":
    main()
