"""Reads a .scn file into scenarios of steps; knows nothing of what steps mean."""

import dataclasses
import re
import textwrap


class ScriptError(Exception):
    """The script is wrong; the text begins with file:line."""


@dataclasses.dataclass
class Step:
    line: int
    text: str
    block: str = ""


@dataclasses.dataclass
class Client:
    name: str
    user: str          # empty: no account
    host: str
    resource: str
    options: dict


@dataclasses.dataclass
class Scenario:
    path: str
    line: int
    name: str
    source: str = ""
    deviates: dict = dataclasses.field(default_factory=dict)   # server's name -> why it fails there
    clients: dict = dataclasses.field(default_factory=dict)
    steps: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Script:
    path: str
    server: dict = dataclasses.field(default_factory=dict)
    scenarios: list = dataclasses.field(default_factory=list)


CLIENT = re.compile(r"client (\w+) (?:is (?:(\S+)@)([^/\s]+)(?:/(\S+))?|(has no account))(?: with (.*))?$")
DEVIATES = re.compile(r"Deviates: *(\w+)(?: \[(.*?)\])? (.*)$")
SERVER = re.compile(r"server (\w[\w ]*?)(?: = (.*)|:)$")


def read(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    script = Script(path)
    shared, index = {}, 0
    while index < len(lines) and not lines[index].startswith("Scenario:"):
        index = header_line(script, shared, lines, index)
    while index < len(lines):
        start = index
        index += 1
        while index < len(lines) and not lines[index].startswith("Scenario:"):
            index += 1
        for variant, cells in variants(path, start, lines[start:index]):
            script.scenarios.append(scenario(path, start, variant, cells, shared))
    if not script.scenarios:
        raise ScriptError(f"{path}:1: no scenario")
    return script


def is_blank(line):
    return not line.strip() or line.lstrip().startswith("#")


def block_after(lines, index):
    """The indented lines from `index` on, and where they end."""
    end = index
    while end < len(lines) and (not lines[end].strip() or lines[end][0] in " \t"):
        end += 1
    return textwrap.dedent("\n".join(lines[index:end])).strip("\n"), end


def header_line(script, clients, lines, index):
    line = lines[index].rstrip()
    if is_blank(line):
        return index + 1
    found = SERVER.match(line)
    if found and found.group(2) is not None:
        script.server[found.group(1)] = found.group(2).strip()
        return index + 1
    if found:
        script.server[found.group(1)], index = block_after(lines, index + 1)
        return index
    clients.update([client(script.path, index, line)])
    return index + 1


def client(path, index, line):
    found = CLIENT.match(line)
    if not found:
        raise ScriptError(f"{path}:{index + 1}: not understood: {line}")
    name, user, host, resource, _, options = found.groups()
    pairs = dict(part.strip().split("=", 1) for part in options.split(",")) if options else {}
    return name, Client(name, user or "", host or "localhost", resource or "", pairs)


def variants(path, start, lines):
    """(lines, the row's cells) for each row under "Each:"; the lines themselves when there is none."""
    for index, line in enumerate(lines):
        if line.startswith("Each:"):
            names = [name.strip() for name in line[5:].split("|")]
            block, end = block_after(lines, index + 1)
            rest = lines[:index] + [""] * (end - index) + lines[end:]
            rows = [row for row in block.split("\n") if not is_blank(row)]
            for row in rows:
                cells = [cell.strip() for cell in row.split("|")]
                if len(cells) != len(names):
                    raise ScriptError(f"{path}:{start + index + 1}: {len(names)} names but the row is: {row}")
                yield [replaced(text, dict(zip(names, cells))) for text in rest], cells
            return
    yield lines, []


def replaced(text, values):
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def scenario(path, start, lines, cells, shared):
    result = Scenario(path, start + 1, lines[0].removeprefix("Scenario:").strip(), clients=dict(shared))
    index = 1
    while index < len(lines):
        line = lines[index].rstrip()
        if is_blank(line):
            index += 1
        elif line.startswith("Source:"):
            result.source = line[7:].strip()
            index += 1
        elif line.startswith("Deviates:"):
            server, rows, why = DEVIATES.match(line).groups()
            if rows is None or any(row.strip() in cells for row in rows.split(";")):
                result.deviates[server] = why
            index += 1
        elif line.startswith("client "):
            result.clients.update([client(path, start + index, line)])
            index += 1
        elif line[0] in " \t":
            raise ScriptError(f"{path}:{start + index + 1}: an indented line without a step that takes it")
        else:
            step = Step(start + index + 1, line)
            index += 1
            if line.endswith(":"):
                step.text = line[:-1]
                step.block, index = block_after(lines, index)
                if not step.block:
                    raise ScriptError(f"{path}:{step.line}: a block should follow")
            result.steps.append(step)
    if not result.source:
        raise ScriptError(f"{path}:{start + 1}: a scenario names its Source")
    return result
