"""A sandbox and the service against it, each a process of its own, and what the service costs.

Needs Linux (/proc) and, for PostgreSQL, its programs; the database server is started for the measurement alone.
"""

import contextlib
import datetime
import glob
import http.client
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def program():
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    return os.path.join(target, "release", "ghl-meta-sync")


def postgres_programs():
    found = shutil.which("initdb") or max(glob.glob("/usr/lib/postgresql/*/bin/initdb"), default=None)
    if not found:
        raise SystemExit("PostgreSQL is not installed: scripts/test installs it")
    return os.path.dirname(os.path.realpath(found))


class Postgres:
    """A server of its own in a temporary folder, which ends with this object."""

    def __init__(self):
        script = os.path.join(ROOT, "crates/testkit/src/run_postgres_server.sh")
        self.process = subprocess.Popen(
            ["sh", script, postgres_programs()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.folder = self.process.stdout.readline().strip()
        self.databases = 0

    def database(self):
        """A new, empty database: its address."""
        self.databases += 1
        name = f"measured_{self.databases}"
        self.query("postgres", f"CREATE DATABASE {name}")
        return f"postgres:///{name}?user=postgres&host={self.folder}"

    def query(self, database, statement):
        command = [os.path.join(postgres_programs(), "psql"), "-h", self.folder, "-U", "postgres", "-d", database]
        out = subprocess.run([*command, "-AtF", "\t", "-c", statement], check=True, capture_output=True, text=True)
        return [line.split("\t") for line in out.stdout.splitlines()]

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Cost:
    """What a process cost from its start until now."""

    def __init__(self, pid):
        with open(f"/proc/{pid}/status") as status:
            fields = dict(line.split(":", 1) for line in status if ":" in line)
        self.peak_mb = int(fields["VmHWM"].split()[0]) / 1024
        with open(f"/proc/{pid}/stat") as stat:
            values = stat.read().rsplit(")", 1)[1].split()
        self.cpu = (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")


class Watched:
    """A process whose cost is looked at until it ends."""

    def __init__(self, arguments, **options):
        self.process = subprocess.Popen(arguments, **options)
        self.cost = None
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self):
        while self.process.poll() is None:
            with contextlib.suppress(OSError, KeyError, IndexError):
                self.cost = Cost(self.process.pid)
            time.sleep(0.02)


class Installation:
    """The sandbox with `contacts` generated contacts, and a folder and database for the service."""

    def __init__(self, contacts, postgres=None):
        self.folder = tempfile.mkdtemp(prefix="ghl-meta-sync-measured-")
        self.is_kept = False
        self.started = []
        self.postgres = postgres
        self.sandbox = Watched(
            [program(), "sandbox", "--until-stdin-closes", "--clock-rate", "18000", "--contacts", str(contacts)],
            env={}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        announced = json.loads(self.sandbox.process.stdout.readline())
        self.control_address = announced["addresses"]["control"].removeprefix("http://")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environment = {
            **announced["settings"],
            "WEB_PORT": str(self.port),
            "DATA_DIR": os.path.join(self.folder, "data"),
            "LOG_DIR": os.path.join(self.folder, "logs"),
        }
        if postgres:
            self.environment["DATABASE_URL"] = postgres.database()

    def control(self, path, body):
        connection = http.client.HTTPConnection(self.control_address, timeout=30)
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        reply = connection.getresponse()
        if reply.status >= 300:
            raise SystemExit(f"the sandbox refuses {path}: {reply.status} {reply.read()}")

    def delay(self, service, path, millis):
        """Every call with `path` in its address is answered this much later."""
        fault = {"service": service, "path_contains": path, "times": 1_000_000}
        self.control("/control/faults", {**fault, "effect": {"kind": "delay", "millis": millis}})

    def start(self, *command):
        running = Watched(
            [program(), *command], env=self.environment, cwd=self.folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.started.append(running)
        return running

    def failure(self, what):
        """The error that says so and names the log, which stays then."""
        self.is_kept = True
        return SystemExit(f"{what}; its log is in {self.folder}")

    def sync(self):
        """One sync as a process of its own: its cost."""
        running = self.start("sync")
        if running.process.wait() != 0:
            raise self.failure("the sync failed")
        running.thread.join()
        return running.cost

    def rows(self, statement):
        if self.postgres:
            name = self.environment["DATABASE_URL"].split("///")[1].split("?")[0]
            return self.postgres.query(name, statement)
        path = os.path.join(self.folder, "data", "ghl-meta-sync.sqlite3")
        with contextlib.closing(sqlite3.connect(path)) as database:
            return [[str(value) for value in row] for row in database.execute(statement)]

    def steps(self):
        """Per step of the newest run: name, seconds after the run began when it began and ended, units done."""
        found = self.rows(
            "SELECT name, started_at, completed_at, done FROM sync_steps"
            " WHERE sync_run_id = (SELECT MAX(id) FROM sync_runs) ORDER BY started_at, id"
        )
        moment = lambda text: datetime.datetime.fromisoformat(text.replace(" ", "T")).timestamp()
        begun = moment(found[0][1])
        return [(name, moment(start) - begun, moment(end) - begun, int(done)) for name, start, end, done in found]

    def stop(self):
        """Ends everything that was started here, also when a measurement failed."""
        for running in self.started:
            end(running.process)
        self.sandbox.process.stdin.close()
        self.sandbox.process.wait()
        if not self.is_kept:
            shutil.rmtree(self.folder)


def end(process):
    """Asks a process to end, if it still runs, and makes it after a minute."""
    process.terminate()
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
