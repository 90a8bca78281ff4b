"""Compares a received element with a template from a script; README.md, "Templates", says the rules."""

import re
import xml.etree.ElementTree as ET

from .stream import NS_CLIENT, NS_STANZAS, NS_STREAM, XML_LANG, pretty

MORE = "_more_attributes_"
PATTERNS = {
    "any": r".+",
    "anything": r".*",
    "number": r"\d+",
    "base64": r"[A-Za-z0-9+/]+={0,2}",
    "datetime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)",
}


class Mismatch(Exception):
    """What came is not what the template says; the text says where."""


def placeholders(text):
    """Cuts text into (is_placeholder, part); braces nest."""
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        if char == "{":
            if depth == 0:
                if index > start:
                    parts.append((False, text[start:index]))
                start = index + 1
            depth += 1
        elif char == "}" and depth > 0:
            depth -= 1
            if depth == 0:
                parts.append((True, text[start:index]))
                start = index + 1
    if depth:
        raise ValueError(f"a brace is not closed: {text}")
    if start < len(text):
        parts.append((False, text[start:]))
    return parts


def parse(text):
    """The top elements of a template block."""

    def mark(tag):
        return re.sub(r"""("[^"]*"|'[^']*')|\s\.\.\.(?=[\s/>])""",
                      lambda m: m.group(1) or f" {MORE}=''", tag.group(0))

    text = re.sub(r"""<(?:[^<>"']|"[^"]*"|'[^']*')*>""", mark, text)
    try:
        root = ET.fromstring(f"<root xmlns='{NS_CLIENT}' xmlns:stream='{NS_STREAM}'>{text}</root>")
    except ET.ParseError as error:
        raise ValueError(f"the block is not XML: {error}\n{text}") from error
    return list(root)


class Matcher:
    """Matches under a set of variables; new captures are in `captured` after a match."""

    def __init__(self, resolve):
        self.resolve = resolve
        self.captured = {}

    def match(self, template, actual):
        before = dict(self.captured)
        try:
            self.element(template, actual, f"<{local(template.tag)}>")
        except Mismatch:
            self.captured = before
            raise

    def value(self, template, actual, where):
        pattern, names = "", []
        for is_placeholder, part in placeholders(template):
            if not is_placeholder:
                pattern += re.escape(part)
            elif part in PATTERNS:
                pattern += f"(?:{PATTERNS[part]})"
            elif part.startswith("new "):
                names.append(part[4:].strip())
                pattern += "(.+)"
            else:
                known = self.captured.get(part)
                pattern += re.escape(self.resolve(part) if known is None else known)
        found = re.fullmatch(pattern, actual, re.DOTALL)
        if not found:
            raise Mismatch(f"{where} should be '{template}' but is '{actual}'")
        self.captured.update(zip(names, found.groups()))

    def element(self, template, actual, where):
        in_error = local(template.tag) == "error" and template.tag.startswith(f"{{{NS_CLIENT}}}")
        if template.tag != actual.tag:
            raise Mismatch(f"{where}: expected element {template.tag}, found {actual.tag}")
        self.attributes(template, actual, where, in_error)
        wanted, order_free, more = content(template)
        found, _, _ = content(actual, is_template=False)
        if in_error:
            for child in wanted:
                if not isinstance(child, str) and child.tag.startswith(f"{{{NS_CLIENT}}}"):
                    child.tag = f"{{{NS_STANZAS}}}" + local(child.tag)
            named = {child.tag for child in wanted if not isinstance(child, str)}
            found = [c for c in found if not isinstance(c, str) and
                     (c.tag in named or (c.tag.startswith(f"{{{NS_STANZAS}}}") and local(c.tag) != "text"))]
        if template.get("type") == "error" and local(template.tag) in ("message", "iq", "presence"):
            more = True
        self.children(wanted, found, where, order_free, more)

    def attributes(self, template, actual, where, in_error):
        wanted = dict(template.attrib)
        more = wanted.pop(MORE, None) is not None
        for name, value in wanted.items():
            found = actual.get(name)
            if value == "{none}":
                if found is not None:
                    raise Mismatch(f"{where} must not have '{name}' but has '{found}'")
            elif found is None:
                raise Mismatch(f"{where} lacks attribute '{name}' ('{value}')")
            else:
                self.value(value, found, f"{where} @{name}")
        if more:
            return
        for name, value in actual.attrib.items():
            if name in wanted or name == XML_LANG or (in_error and name == "by"):
                continue
            raise Mismatch(f"{where} has an unexpected attribute {name}='{value}'")

    def children(self, wanted, found, where, order_free, more):
        if order_free:
            self.unordered(wanted, found, where, more)
            return
        position = 0
        for child in wanted:
            reason = None
            while position < len(found):
                before = dict(self.captured)
                try:
                    self.child(child, found[position], where)
                    break
                except Mismatch as mismatch:
                    self.captured = before
                    if not more:
                        raise
                    reason = reason or mismatch
                    position += 1
            else:
                raise Mismatch(f"{where} lacks {show(child)}" + (f" ({reason})" if reason else ""))
            position += 1
        if position < len(found) and not more:
            raise Mismatch(f"{where} has an unexpected {show(found[position])}")

    def unordered(self, wanted, found, where, more):
        if not wanted:
            if found and not more:
                raise Mismatch(f"{where} has an unexpected {show(found[0])}")
            return
        reason = None
        for index, candidate in enumerate(found):
            before = dict(self.captured)
            try:
                self.child(wanted[0], candidate, where)
                self.unordered(wanted[1:], found[:index] + found[index + 1:], where, more)
                return
            except Mismatch as mismatch:
                self.captured = before
                reason = mismatch
        raise Mismatch(f"{where} lacks {show(wanted[0])}" + (f" ({reason})" if reason else ""))

    def child(self, wanted, actual, where):
        if isinstance(wanted, str) != isinstance(actual, str):
            raise Mismatch(f"{where}: expected {show(wanted)}, found {show(actual)}")
        if isinstance(wanted, str):
            self.value(wanted, actual, f"{where} text")
        else:
            self.element(wanted, actual, f"{where}<{local(wanted.tag)}>")


def match_all(templates, elements, resolve):
    """Pairs every template with one element, whatever their order; returns the captures."""
    matcher = Matcher(resolve)
    matcher.unordered(templates, elements, "the stanzas received", more=False)
    return matcher.captured


def content(element, is_template=True):
    """(children with text between, order is free, more are allowed). Blank text between elements does not count."""
    nodes = [element.text or ""]
    for child in element:
        nodes.append(child)
        nodes.append(child.tail or "")
    has_elements = len(element) > 0
    order_free = more = False
    result = []
    for node in nodes:
        if isinstance(node, str):
            if is_template:
                stripped = node.strip()
                if "{any order}" in stripped:
                    order_free = True
                    stripped = stripped.replace("{any order}", "").strip()
                if stripped == "...":
                    more = True
                    continue
                if order_free and not stripped:
                    continue
            if not node or (has_elements and not node.strip()):
                continue
        result.append(node)
    if is_template and (order_free or more):
        result = [n for n in result if not isinstance(n, str) or n.strip() not in ("{any order}", "")]
    return result, order_free, more


def local(tag):
    return tag.split("}")[-1]


def show(node):
    return f"text '{node}'" if isinstance(node, str) else pretty(node)
