"""Measures what syncs cost and writes docs/performance.md; the raw output of every part goes to docs/performance/.

    scripts/performance [--quick]
    python3 benches/performance.py --page

`--quick` leaves out the million contacts and writes nothing. See scripts/performance for what must be there. `--page` measures
nothing: it writes the page anew from docs/performance/measured.json, when only its words have changed.
"""

import http.client
import json
import math
import os
import platform
import re
import subprocess
import sys
import threading
import time

import installation
from installation import ROOT, Installation, Postgres, program

RAW = os.path.join(ROOT, "docs", "performance")
QUICK = "--quick" in sys.argv
SIZES = [10_000, 100_000] if QUICK else [10_000, 100_000, 1_000_000]
ENGINES = ["SQLite", "PostgreSQL"]

# GoHighLevel's limits (contacts per page, calls per window, seconds of the window) and Meta's rows per request.
PAGE, CALLS, WINDOW, BATCH = 500, 100, 10, 10_000
# What else a sync has to ask GoHighLevel for: the location and its custom fields.
OTHER_CALLS = 2
# What the part about overlap adds: seconds per page and per upload.
PAGE_SECONDS, UPLOAD_SECONDS, UPLOADS_AT_ONCE = 0.2, 1.5, 4
# The default of RETENTION_DAYS.
KEPT_DAYS = 30


def record(name, text):
    if QUICK:
        return
    os.makedirs(RAW, exist_ok=True)
    with open(os.path.join(RAW, name), "w") as file:
        file.write(text.rstrip() + "\n")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def machine():
    with open("/proc/cpuinfo") as info:
        model = re.search(r"model name\s*: (.*)", info.read())
    with open("/proc/meminfo") as info:
        memory = int(re.search(r"MemTotal:\s*(\d+)", info.read())[1]) // 1024 // 1024
    rustc = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    cpu = model[1] if model else platform.machine()
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores of {cpu}, {memory} GB, Linux {platform.release()}, {rustc}; load when it began {load:.1f}"


# -- encoding ----------------------------------------------------------------------------------------------------------

def encoding():
    """Contacts per second of our encoder, of bare hashes, and of Meta's SDK on the same contacts, in turn."""
    bench = ["cargo", "bench", "-q", "-p", "sync", "--bench", "encoding", "--", "--sample-count", "20"]
    contacts = os.path.join(RAW, "contacts.csv")
    os.makedirs(RAW, exist_ok=True)
    with open(contacts, "w") as file:
        example = ["cargo", "run", "-q", "--release", "-p", "sync", "--example", "stored_contacts", "100000"]
        subprocess.run(example, check=True, cwd=ROOT, stdout=file)
    ours = subprocess.run(bench, check=True, cwd=ROOT, capture_output=True, text=True).stdout
    python = os.environ["META_SDK_PYTHON"]
    sdk = subprocess.run(
        [python, os.path.join(ROOT, "benches", "meta_sdk.py"), contacts, "7"],
        check=True, capture_output=True, text=True,
    ).stdout
    os.remove(contacts)
    record("encoding.txt", ours)
    record("meta_sdk.txt", sdk)
    units = {"": 1, "K": 1e3, "M": 1e6}
    rates = {}
    lines = ours.splitlines()
    for line, following in zip(lines, lines[1:]):
        name = re.match(r"[├╰]─ (\w+)", line)
        if name:
            found = re.findall(r"([\d.]+) ([KM]?)item/s", following)
            rates[name[1]] = [float(number) * units[unit] for number, unit in found]
    theirs = sorted(float(line.split()[0]) for line in sdk.splitlines() if line)
    # Columns of the benchmark: fastest, slowest, median, mean.
    return {
        "ours": rates["as_gohighlevel_has_them"][2],
        "messy": rates["as_exports_have_them"][2],
        "bare": rates["eight_bare_hashes"][2],
        "sdk": theirs[len(theirs) // 2],
    }


# -- whole syncs -------------------------------------------------------------------------------------------------------

def reading_bound(contacts):
    """Seconds GoHighLevel's quota takes for the calls that a list needs: the first window is free."""
    calls = math.ceil(contacts / PAGE) + OTHER_CALLS
    return (math.ceil(calls / CALLS) - 1) * WINDOW


def sync(contacts, engine, postgres):
    place = Installation(contacts, postgres if engine == "PostgreSQL" else None)
    try:
        begun = time.monotonic()
        cost = place.sync()
        wall = time.monotonic() - begun
        return {
            "contacts": contacts, "engine": engine, "wall": wall, "bound": reading_bound(contacts),
            "cpu": cost.cpu, "peak_mb": cost.peak_mb, "sandbox_mb": place.sandbox.cost.peak_mb,
            "steps": place.steps(),
        }
    finally:
        place.stop()


def overlap(contacts=200_000):
    """A sync at the vendors' pace, beside the time their limits take."""
    place = Installation(contacts)
    try:
        place.delay("ghl", "/contacts/search", int(PAGE_SECONDS * 1000))
        place.delay("meta", "/users", int(UPLOAD_SECONDS * 1000))
        begun = time.monotonic()
        place.sync()
        wall = time.monotonic() - begun
        steps = place.steps()
    finally:
        place.stop()
    sent = next(done for name, _, _, done in steps if name == "upload")
    batches = math.ceil(sent / BATCH)
    # The last batch of a session goes alone; the pages of the last window come with their own latency.
    uploads = (math.ceil((batches - 1) / UPLOADS_AT_ONCE) + 1) * UPLOAD_SECONDS
    bound = reading_bound(contacts) + PAGE_SECONDS + uploads
    return {"contacts": contacts, "wall": wall, "bound": bound, "steps": steps}


def dashboard(contacts=250_000):
    """Milliseconds until the page and the status are answered while a sync runs."""
    place = Installation(contacts)
    done = threading.Event()
    try:
        service = place.start("serve")
        ask = lambda path, method="GET", body=None: request(place.port, method, path, body)
        while not answers(lambda: ask("/readyz")):
            if service.process.poll() is not None:
                raise place.failure("the service ended")
            time.sleep(0.05)
        times = {"/": [], "/api/sync/status": []}
        failed = []

        def load(path):
            while not done.is_set():
                begun = time.perf_counter()
                try:
                    ask(path)
                except (OSError, Refused) as error:
                    # What is slowest must not be missing among the times.
                    failed.append(error)
                    return
                times[path].append((time.perf_counter() - begun) * 1000)
                time.sleep(0.02)

        try:
            ask("/api/sync/trigger", "POST", {})
            threads = [threading.Thread(target=load, args=(path,), daemon=True) for path in times for _ in range(2)]
            for thread in threads:
                thread.start()
            while json.loads(ask("/api/sync/status"))["running"]:
                time.sleep(0.5)
            done.set()
            for thread in threads:
                thread.join()
        except (OSError, Refused) as error:
            failed.append(error)
        if failed:
            raise place.failure(f"a page was not answered: {failed[0]}")
    finally:
        done.set()
        place.stop()
    at = lambda values, share: sorted(values)[int(len(values) * share)]
    return {
        path: {"requests": len(values), "median": at(values, 0.5), "p99": at(values, 0.99), "max": max(values)}
        for path, values in times.items()
    }


class Refused(Exception):
    """The service answered, and not with what was asked for."""


def daily_runs():
    """What the database weighs after so many days: engine, day and megabytes; and what removing contacts took."""
    example = ["cargo", "run", "-q", "--release", "-p", "persistence", "--example", "daily_runs"]
    text = subprocess.run(example, check=True, cwd=ROOT, capture_output=True, text=True).stdout
    record("daily_runs.txt", text)
    sizes = re.findall(r"^(\w+) day (\d+): (\d+) MB$", text, re.MULTILINE)
    removals = re.findall(r"^(\w+): removing 5,000 contacts took (\d+) ms at most$", text, re.MULTILINE)
    return {"sizes": sizes, "removals": removals}


def answers(work):
    try:
        work()
        return True
    except (OSError, Refused):
        return False


def request(port, method, path, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"content-type": "application/json"} if body is not None else {}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        reply = connection.getresponse()
        text = reply.read()
        if reply.status >= 300:
            raise Refused(f"{path} is answered with {reply.status}: {text[:200]}")
        return text
    except http.client.HTTPException as error:
        raise Refused(f"{path}: {error!r}") from error
    finally:
        connection.close()


# -- the page ----------------------------------------------------------------------------------------------------------

def step_table(run):
    rows = []
    for name, begun, ended, done in run["steps"]:
        seconds = ended - begun
        rate = f"{done / seconds:,.0f}" if done and seconds >= 0.05 else ""
        rows.append([name, f"{begun:.1f}", f"{ended:.1f}", f"{seconds:.1f}", f"{done:,}" if done else "", rate])
    return table(["step", "from s", "to s", "seconds", "units", "units/s"], rows)


def main():
    if "--page" in sys.argv:
        with open(os.path.join(RAW, "measured.json")) as file:
            write(json.load(file))
        return
    print(machine(), flush=True)
    parts = {"machine": machine(), "encoding": encoding()}
    print(json.dumps(parts["encoding"]), flush=True)
    postgres = Postgres()
    try:
        parts["syncs"] = []
        for contacts in SIZES:
            for engine in ENGINES:
                run = sync(contacts, engine, postgres)
                parts["syncs"].append(run)
                print(json.dumps({key: value for key, value in run.items() if key != "steps"}), flush=True)
    finally:
        postgres.stop()
    parts["overlap"] = overlap()
    print(json.dumps({key: value for key, value in parts["overlap"].items() if key != "steps"}), flush=True)
    parts["dashboard"] = dashboard()
    print(json.dumps(parts["dashboard"]), flush=True)
    parts["daily_runs"] = daily_runs()
    print(json.dumps(parts["daily_runs"]), flush=True)
    if not QUICK:
        record("measured.json", json.dumps(parts, indent=1))
        write(parts)
    ratios(parts)


def growth(parts, what):
    """Per engine, how `what` grows from a hundred thousand contacts to the most."""
    of = lambda contacts, engine: next(
        run[what] for run in parts["syncs"] if run["contacts"] == contacts and run["engine"] == engine
    )
    return {engine: of(SIZES[-1], engine) / of(100_000, engine) for engine in ENGINES}


def weights(parts):
    """Megabytes of the database per engine and day."""
    return {(engine, int(day)): int(size) for engine, day, size in parts["daily_runs"]["sizes"]}


def growth_on_disk(parts):
    """Per engine, how the database grows from the last day of which nothing was removed to the last day of all."""
    sizes = weights(parts)
    last = max(day for _, day in sizes)
    return {engine: sizes[engine, last] / sizes[engine, KEPT_DAYS] for engine in ENGINES}


def ratios(parts):
    """What is promised, as ratios of one run."""
    rates = parts["encoding"]
    print(f"encoding: {rates['ours'] / rates['sdk']:.1f} x Meta's SDK, {rates['ours'] / rates['bare']:.2f} x eight bare hashes")
    for engine, ratio in growth(parts, "peak_mb").items():
        print(f"peak memory on {engine}: {ratio:.2f} x from 100,000 to {SIZES[-1]:,} contacts")
    for engine, ratio in growth_on_disk(parts).items():
        print(f"database on {engine}: {ratio:.2f} x from day {KEPT_DAYS} to the last day")
    print(f"a sync at the vendors' pace: {parts['overlap']['wall'] / parts['overlap']['bound']:.2f} x the bound of their limits")


def told(ratios):
    return " and ".join(f"{ratio:.2f} x on {engine}" for engine, ratio in ratios.items())


def write(parts):
    rates, syncs = parts["encoding"], parts["syncs"]
    cost = table(
        ["contacts", "database", "seconds", "quota's bound", "CPU s", "CPU s per million", "peak memory", "sandbox"],
        [
            [
                f"{run['contacts']:,}", run["engine"], f"{run['wall']:.1f}", f"{run['bound']} s", f"{run['cpu']:.1f}",
                f"{run['cpu'] * 1e6 / run['contacts']:.1f}", f"{run['peak_mb']:.0f} MB", f"{run['sandbox_mb']:.0f} MB",
            ]
            for run in syncs
        ],
    )
    speed = table(
        ["the same 100,000 contacts, one core", "contacts/s", "beside Meta's SDK"],
        [
            ["normalized, hashed, written as JSON by this program", f"{rates['ours']:,.0f}", f"{rates['ours'] / rates['sdk']:.1f} x"],
            ["eight bare SHA-256 with their digits (the bound without memory of repeated cells)", f"{rates['bare']:,.0f}", f"{rates['bare'] / rates['sdk']:.1f} x"],
            ["Meta's Python SDK with `json.dumps`", f"{rates['sdk']:,.0f}", "1 x"],
            ["5,000 messy contacts of 15 countries by this program", f"{rates['messy']:,.0f}", ""],
        ],
    )
    pages = table(
        ["path", "requests", "median ms", "p99 ms", "slowest ms"],
        [
            [f"`{path}`", found["requests"], f"{found['median']:.1f}", f"{found['p99']:.1f}", f"{found['max']:.1f}"]
            for path, found in parts["dashboard"].items()
        ],
    )
    sizes = weights(parts)
    days = sorted({day for _, day in sizes})
    kept = table(
        ["after", *ENGINES],
        [[f"day {day}", *(f"{sizes[engine, day]} MB" for engine in ENGINES)] for day in days],
    )
    removals = " and ".join(f"{millis} ms on {engine}" for engine, millis in parts["daily_runs"]["removals"])
    paced = parts["overlap"]
    largest = [run for run in syncs if run["contacts"] == SIZES[-1]]
    with open(os.path.join(ROOT, "docs", "performance.md"), "w") as file:
        file.write(PAGE_TEXT.format(
            machine=parts["machine"], speed=speed, cost=cost, pages=pages,
            largest="\n\n".join(f"{run['contacts']:,} contacts on {run['engine']}:\n\n{step_table(run)}" for run in largest),
            paced_contacts=f"{paced['contacts']:,}", paced_wall=f"{paced['wall']:.1f}", paced_bound=f"{paced['bound']:.1f}",
            kept=kept, kept_growth=told(growth_on_disk(parts)), last_day=days[-1], removals=removals, most=f"{SIZES[-1]:,}", busy=PAGE * CALLS / WINDOW / rates["ours"],
            cpu_growth=told(growth(parts, "cpu")), memory_growth=told(growth(parts, "peak_mb")),
            paced_ratio=f"{paced['wall'] / paced['bound']:.2f}", paced_steps=step_table(paced),
        ))


PAGE_TEXT = """# Performance

Written by `scripts/performance`, which measures everything below in one run; the raw output is in
`docs/performance`, its figures in [measured.json](performance/measured.json). Machine: {machine}.

For one location nothing can be faster than GoHighLevel's quota: 100 calls in 10 seconds with 500 contacts each, 5,000
contacts per second. Everything else is to disappear behind it. The simulators run on the same machine and take their share
of its cores, so the times of whole syncs are upper bounds.

## Encoding

{speed}

Medians of 20 passes (ours) and 7 passes (the SDK). The contacts are made up: 2,000 first names, 20,000 last names and 3,000
cities with four postal codes each, the first ones more often; e-mail addresses and numbers are of one person only. States,
cities, postal codes and first names that repeat, and a country that the contact before had too, are neither normalized nor
hashed again (`crates/match-keys/src/seen.rs`). Nothing is allocated per field; the raw output counts the allocations.

## Whole syncs

A sync is a process of its own, from reading the settings to the sent mail; its CPU time is that of all its threads, its memory
the peak of its resident size (`VmHWM`). "Quota's bound" is what the quota alone takes for the pages.

{cost}

From 100,000 contacts to {most}, ten times as many, CPU time grows {cpu_growth}, and peak memory
{memory_growth}: rows stream through a spool file, and only the values (8 bytes each), a bucket per contact
and a fixed number of pages and batches are held.

{largest}

## At the vendors' pace

{paced_contacts} contacts with 200 ms per page, 1.5 s per upload and the real quota: {paced_wall} s, beside a bound of
{paced_bound} s computed from the limits ({paced_ratio} x). Reading and hashing run together, four batches are in flight while
the next are built, and contacts are saved while Meta is filled.

{paced_steps}

## The dashboard meanwhile

While 250,000 contacts are synced on SQLite, four clients ask without pause but 20 ms:

{pages}

## What stays on the disk

The database after so many daily runs of 100,000 contacts, whom the dashboard can show and hand out for 30 days
(`RETENTION_DAYS`). It is to stay below 1 GB:

{kept}

From the second month on as much is removed as comes: until day {last_day} the database grows {kept_growth}.
Old contacts are removed between runs, 5,000 in a transaction, and a run that begins ends it: it waits for one of them at most. The
longest took {removals}.

## What bounds it

Reading waits for the quota: encoding the 5,000 contacts of a second takes {busy:.1%} of a core. What remains after the last page
is ranking, uploading (Meta's time per batch), and what is left of saving; the tables above say how long each took.
"""

if __name__ == "__main__":
    main()
