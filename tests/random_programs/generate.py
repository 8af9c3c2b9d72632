#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes random programs, 50 to a source, with what a model of its own expects of each."""

import argparse
import copy
import json
import os
import struct
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # beside the sources

import pto_text
import verb_text
from dice import Dice
from mutations import SYNCHRONISES, mutate, sites
from pto_model import PtoModel
from pto_skeletons import is_well_formed, random_kernel
from verb_model import VerbModel
from verb_skeletons import are_well_formed, random_verbs

PROGRAMS = 50  # of a source


def without_waste(dice, program, model):
    """Leaves out some of the synchronisation that the program is right without."""
    for block, k in reversed(sites(program.body, SYNCHRONISES)):
        part = block[k]
        if part.kind in ("notify", "wait") or not dice.chance(0.4):
            continue
        del block[k]
        if not model(program).verdict().is_right:
            block.insert(k, part)


def random_program(dice, skeleton, is_allowed, model):
    """A program that is right, then changed a little, or not at all."""
    while True:
        program = skeleton(dice)
        if is_allowed(program) and model(program).verdict().is_right:
            break
    without_waste(dice, program, model)
    original = copy.deepcopy(program)
    for _ in range(dice.weighted({0: 25, 1: 50, 2: 15, 3: 10})):
        mutate(dice, program.body, program.ranks)
    return program if is_allowed(program) else original


def checksum(numbers):
    """FNV-1a of the bytes."""
    value = 0xCBF29CE484222325
    for byte in struct.pack(f"<{len(numbers)}i", *numbers):
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return f"{value:016x}"


def expectation(number, program, model):
    verdict = model.verdict()
    allowed = sorted(verdict.allowed, key=lambda found: (found.kind, found.lines))
    index = {found: k for k, found in enumerate(allowed)}
    needed = sorted({tuple(sorted(index[found] for found in group)) for group in verdict.needed})
    return {"program": number, "ranks": program.ranks, "calls": program.calls,
            "allowed": [{"class": found.kind, "lines": list(found.lines)} for found in allowed],
            "needed": [list(group) for group in needed], "uncertain": verdict.is_uncertain,
            "stuck": sorted(verdict.stuck),
            "outputs": [checksum(output) for output in model.outputs()]
                       if verdict.is_right else []}


def write(path, text):
    """All at once, and not at all if nothing changes."""
    if path.exists() and path.read_text() == text:
        return
    written = path.with_suffix(f".{os.getpid()}")
    written.write_text(text)
    written.replace(path)


def write_programs(folder, name, programs, text, model):
    write(folder / f"{name}.cpp", text.write_source(programs))
    expected = [expectation(k, program, model(program)) for k, program in enumerate(programs)]
    write(folder / f"{name}.json", json.dumps(expected, indent=1) + "\n")


def write_pto(folder, number):
    dice = Dice(1000 + number)
    programs = [random_program(dice, random_kernel, is_well_formed, PtoModel)
                for _ in range(PROGRAMS)]
    name = f"pto_{number:02}"
    include = Path(__file__).resolve().parent
    write(folder / f"{name}.toml", pto_text.write_case(f"{name}.cpp", include))
    write_programs(folder, name, programs, pto_text, PtoModel)


def write_verbs(folder, number):
    dice = Dice(2000 + number)
    programs = [random_program(dice, random_verbs, are_well_formed, VerbModel)
                for _ in range(PROGRAMS)]
    write_programs(folder, f"verbs_{number:02}", programs, verb_text, VerbModel)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pto", type=int, default=[], nargs="*", metavar="NUMBER",
                        help="sources of PTO kernels")
    parser.add_argument("--verbs", type=int, default=[], nargs="*", metavar="NUMBER",
                        help="sources of Peal kernels")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for number in options.pto:
        write_pto(options.folder, number)
    for number in options.verbs:
        write_verbs(options.folder, number)


if __name__ == "__main__":
    sys.exit(main())
