# SPDX-License-Identifier: MIT
"""An oikos, of any version, at the works of tools/bench/compare: its rate, its memory, its bits."""
import hashlib
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from works import CLASSES, EACH, SIDE, synthetic_images

TICK = os.sysconf("SC_CLK_TCK")
MOST_SECONDS = 60  # until two steps are done


def output(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"compare: {' '.join(command)} failed with status {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def write_images(program, folder):
    """the synthetic images as a file of oikos"""
    count = CLASSES * EACH
    labels = bytes(label for label in range(CLASSES) for _ in range(EACH))
    for name, dims, data in (("images-idx3", (count, SIDE, SIDE), synthetic_images()), ("labels-idx1", (count,), labels)):
        head = bytes([0, 0, 8, len(dims)]) + b"".join(n.to_bytes(4, "big") for n in dims)
        (folder / f"train-{name}-ubyte").write_bytes(head + data)
    output(program, "import", "idx", str(folder), "-o", str(folder / "images.h5"))
    return folder / "images.h5"


def configuration(work, images, steps=10 ** 12):
    """JSON is YAML"""
    if "modes" in work:
        task = dict(source="functions", modes=work["modes"], noise=work["noise"], support=work["points"],
                    query=work["points"])
        layers = [layer for width in work["widths"][1:] for layer in ({"dense": width}, "relu")][:-1]
    else:
        task = dict(source="images", file=str(images), ways=work["ways"], support=1, query=work["queries"],
                    split="fraction")
        block = [{"conv2d": dict(filters=work["filters"], kernel=3, padding=1)}, "batch_norm", "relu", {"max_pool": 2}]
        layers = [*block * 4, "flatten", {"dense": work["ways"]}]
    return json.dumps(dict(
        steps=steps, task=task, learners=dict(count=work["tasks"]),
        inner=dict(steps=work["steps"], rate=work["rate"]),
        model=dict(loss="mse" if "modes" in work else "cross_entropy", init="glorot", layers=layers),
        checkpoint=dict(every=0), eval=dict(episodes=0), log=dict(every=50 if "modes" in work else 1)))


class Training:
    """A training without end: `with Training(...) as t:` starts it, and stops it at the end."""

    def __init__(self, program, work, images, start=()):
        """start: what to start the program by, such as a launcher of ranks"""
        self.program, self.work, self.start = program, work, list(start)
        self.place = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.place.name)
        self.metrics = self.folder / "run" / "metrics.jsonl"
        (self.folder / "config.yaml").write_text(configuration(work, images))

    def __enter__(self):
        self.log = open(self.folder / "log", "w+")
        self.run = subprocess.Popen([*self.start, self.program, "train", str(self.folder / "config.yaml"), "--out",
                                     str(self.metrics.parent)], stdout=self.log, stderr=self.log)
        return self

    def __exit__(self, kind, *_):
        self.run.send_signal(signal.SIGUSR1)  # through a launcher, too
        status = self.run.wait()
        self.log.seek(0)
        said = self.log.read()
        self.log.close()
        self.place.cleanup()
        if kind is None and status != 75:  # stopped on request
            sys.exit(f"compare: {self.program} ended with status {status}:\n{said}")

    def wait(self, seconds):
        try:
            self.run.wait(seconds)
        except subprocess.TimeoutExpired:
            return
        self.__exit__(None)

    def records(self):
        """all that it has told; the last line may be half written"""
        text = self.metrics.read_text() if self.metrics.exists() else ""
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def begin(self):
        """wait for its first record"""
        while self.run.poll() is None and not self.records():
            time.sleep(0.02)

    def next_record(self):
        """the record after those that are there, and the seconds of a core that the process has had by then"""
        size = self.metrics.stat().st_size
        while self.run.poll() is None:
            time.sleep(0.001)
            if self.metrics.stat().st_size > size and self.metrics.read_bytes().endswith(b"\n"):
                break
        fields = pathlib.Path("/proc", str(self.run.pid), "stat").read_text().rpartition(")")[2].split()
        return self.records()[-1], (int(fields[11]) + int(fields[12])) / TICK

    def rate(self, seconds):
        """tasks a second of a core's time, over so many seconds, once it is warm: what other programs take of the core does not
        count"""
        self.begin()
        self.wait(min(1, seconds / 4))
        first, used = self.next_record()
        self.wait(seconds)
        last, end = self.next_record()
        if end <= used:
            sys.exit(f"compare: {self.program} made too few steps of {self.work} in {seconds} s to tell a rate: --seconds more")
        return (last["episodes"] - first["episodes"]) / (end - used)


def rates_by_the_clock(trainings, seconds):
    """tasks a second of trainings that run at once, over so many seconds or two records, once they are warm"""
    for training in trainings:
        training.begin()
    warm = min(1, seconds / 4)
    trainings[0].wait(warm + seconds)
    rates = []
    for training in trainings:
        end = time.monotonic() + MOST_SECONDS
        while len(training.records()) < 2 and training.run.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        records = training.records()
        first = next((r for r in records[:-1] if r["seconds"] >= warm), records[0]) if records else None
        if not records or records[-1]["seconds"] <= first["seconds"]:
            sys.exit(f"compare: {training.program} made too few steps of {training.work} to tell a rate: --seconds more")
        rates.append((records[-1]["episodes"] - first["episodes"]) / (records[-1]["seconds"] - first["seconds"]))
    return rates


def core_seconds(*command):
    """what a process has of its core, from its start to its end"""
    with tempfile.TemporaryFile("w+") as log:
        run = subprocess.Popen(command, stdout=log, stderr=log)
        _, status, used = os.wait4(run.pid, 0)
        if status != 0:
            log.seek(0)
            sys.exit(f"compare: {' '.join(command)} failed:\n{log.read()}")
    return used.ru_utime + used.ru_stime


class Evaluation:
    """Evaluations of a model that has been trained for so many steps; close it when it is done."""

    def __init__(self, program, work, images, steps):
        self.program, self.place, self.few, self.more = program, tempfile.TemporaryDirectory(), 16, 0
        self.run = str(pathlib.Path(self.place.name, "run"))
        config = pathlib.Path(self.place.name, "config.yaml")
        config.write_text(configuration(work, images, steps))
        output(program, "train", str(config), "--out", self.run)

    def close(self):
        self.place.cleanup()

    def seconds(self, episodes):
        return core_seconds(self.program, "eval", self.run, "--episodes", str(episodes))

    def rate(self, seconds):
        """episodes a second of a core's time: of many beside a few, so that starting does not count"""
        while not self.more:
            used = self.seconds(4 * self.few) - self.seconds(self.few)
            if used > seconds / 8:
                self.more = int(3 * self.few * seconds / used)
            else:
                self.few *= 16
        begin = self.seconds(self.few)
        return self.more / (self.seconds(self.few + self.more) - begin)


def weights(program, reader, work, images, steps):
    """a digest of the shared weights after so many steps of `program`; `reader`, an oikos, looks into the checkpoint"""
    with tempfile.TemporaryDirectory() as folder:
        config, run = pathlib.Path(folder, "config.yaml"), pathlib.Path(folder, "run")
        config.write_text(configuration(work, images, steps))
        output(program, "train", str(config), "--out", str(run))
        lines = [line for line in output(reader, "inspect", str(run)).splitlines() if line.startswith("  /shared/")]
    if not all("  checksum " in line for line in lines) or not lines:
        sys.exit(f"compare: {reader} inspect told no checksums of the shared weights")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def peak(*command):
    """MiB of a process at its largest; a small one starts it, since the memory of who does counts as well"""
    start = ("import os, sys; run = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:]); "
             "_, status, used = os.wait4(run, 0); print(used.ru_maxrss / 1024); sys.exit(status != 0)")
    return float(output(sys.executable, "-c", start, *command).split()[-1])


def peak_of(program, work, images):
    """MiB of two steps of two learners"""
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder, "config.yaml")
        config.write_text(configuration(dict(work, tasks=2), images, 2))
        return peak(program, "train", str(config), "--out", str(pathlib.Path(folder, "run")))


def spread(values, form):
    low, middle, high = (format(f(values), form) for f in (min, statistics.median, max))
    return f"{middle} ({low} to {high})"


def form_of(values):
    return ",.0f" if min(values) >= 100 else ".1f"
