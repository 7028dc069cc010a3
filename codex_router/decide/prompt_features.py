"""What the classifier sees of a prompt: a bag of named features, the same in training and on the hot path.

The request is separated from what was pasted (code fences, ``<stdin>`` blocks, logs, traces, markup): people ask with
the former, and the latter only colours it. Names carry their kind before the colon, so that `because` can show words:

    w:    a word of the request             g:  two words in a row
    b:    the words it begins with          e:  a word of the last sentence
    c:    four letters of a word            p:  a word of what was pasted
    is:   a fact about its shape (a question, long, mostly a log, which script)

Pure and bounded: at most `HEAD_CHARACTERS` + `TAIL_CHARACTERS` of a prompt are looked at, whatever its length.
"""

from __future__ import annotations

import re

HEAD_CHARACTERS = 3000
TAIL_CHARACTERS = 1200
HEAD_WORDS = 90
TAIL_WORDS = 40
PASTED_WORDS = 40

_BLOCK = re.compile(r"<stdin>.*?(?:</stdin>|\Z)|```.*?(?:```|\Z)", re.DOTALL)
_TOKEN = re.compile(
    r"https?://\S+"
    r"|[@~]?[\w.$-]*/[\w./*$-]+|@[\w.-]+"
    r"|\w[\w-]*\.(?:py|js|ts|tsx|jsx|go|rs|md|mdc|json|ya?ml|toml|html|css|sh|sql|txt|java|cs|rb|vue|ps1|lock|cfg|ini)\b"
    r"|[^\W\d_][\w'’-]*"
    r"|\d[\w.]*"
    r"|[?!]",
)
_PASTED_LINE = re.compile(
    r"^\s*(?:at\s+\S+.*[:(]\d+|File \"|Traceback|\d{4}-\d\d-\d\d[T ]|\[?\d\d:\d\d:\d\d|[│├└─╭╰┃⎿⏺❯➜✗✓×=>|]|\$ |\d+\s*\||npm (?:ERR|error|warn)"
    r"|[{}\[\]<]|[+-]{3} |@@|---\s*(?:FAIL|PASS)|#\d+ |import |from \S+ import|const |let |var |def |class |function |return )"
)
_TROUBLE = re.compile(r"\b(?:\w*Error|\w*Exception|Traceback|FAIL(?:ED)?|panic|fatal|ENOENT|stack trace|exit code [1-9])\b")
_TOPICS = (
    ("lint", re.compile(r"\b(?:(?:es|tsl|stylel|pyl|sql|yaml|mark(?:down)?)?lint(?:er|ers|ing)?|golangci-lint|ruff|mypy|pyright|prettier|clippy|flake8|rubocop|gofmt|checkstyle|biome|type-?check(?:er|ing)?|formatter)\b", re.IGNORECASE)),
    ("test", re.compile(r"\b(?:pytest|jest|vitest|mocha|playwright|cypress|junit|unit[ -]?tests?|e2e|tests?|test suite|coverage|spec\.[tj]s)\b", re.IGNORECASE)),
    ("git", re.compile(r"\b(?:git|commit(?:s|ted)?|push(?:ed)?|branch|rebase|merge[ds]?|pull request|PRs?|worktree)\b", re.IGNORECASE)),
    ("build", re.compile(r"\b(?:CI|workflows?|github actions?|docker(?:file)?|deploy(?:ed|ment)?|npm (?:i|install|ci)|pip install|dependenc(?:y|ies)|pipeline|release|goreleaser)\b", re.IGNORECASE)),
    ("docs", re.compile(r"\b(?:readme|changelog|docs?|documentation|docstrings?|AGENTS\.md|CLAUDE\.md|\w+\.mdc?|markdown)\b", re.IGNORECASE)),
    ("plan", re.compile(r"\b(?:plan|spec|design|approach|proposal|architecture|trade-?offs?|options?|pros and cons)\b", re.IGNORECASE)),
    ("review", re.compile(r"\b(?:review(?:er|ed|s)?|audit|findings?|vulnerabilit(?:y|ies)|security|OWASP|blocking issues)\b", re.IGNORECASE)),
)  # fmt: skip
_END = re.compile(r"(?<=[.!?。！？])\s+|\n+|(?<=[。！？])")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_COURTESY = frozenset(
    {"please", "pls", "plz", "can", "could", "would", "will", "you", "we", "lets", "let's", "let", "us", "i", "want",
     "need", "you'd", "to", "just", "now", "ok", "okay", "then", "so", "also", "and", "hi", "hey", "hello", "kindly",
     "help", "me", "i'd", "like", "great", "good", "nice", "thanks", "thank", "cool", "perfect", "yes", "yep", "yup",
     "yeah", "no", "hmm", "hm", "well", "alright", "awesome", "the", "a", "actually"}
)  # fmt: skip


def features(prompt: str) -> list[str]:
    """Return the distinct feature names of a prompt, in order of appearance."""
    request, pasted, facts = _split(prompt)
    sentences = [words for words in (_words(sentence) for sentence in _END.split(request)) if words]
    words = [word for sentence in sentences for word in sentence]
    if len(words) > HEAD_WORDS + TAIL_WORDS:
        words = words[:HEAD_WORDS] + words[-TAIL_WORDS:]
    names = _beginning(sentences)
    names += _shape(request, words, facts)
    names += [f"w:{word}" for word in words]
    names += [f"g:{first} {second}" for first, second in zip(words, words[1:], strict=False)]
    if len(sentences) > 1:
        names += [f"e:{word}" for word in sentences[-1][:25]]
    for word in dict.fromkeys(words):
        if len(word) > 4 or not word.isascii():
            names += _letters(word)
    names += [f"p:{word}" for word in _words(pasted)[:PASTED_WORDS]]
    return list(dict.fromkeys(names))


def _letters(word: str) -> list[str]:
    """Return runs of letters: four of a spelt word, two of a script without spaces."""
    if _UNSPACED.search(word):
        return [f"c:{word[i : i + 2]}" for i in range(min(len(word), 40))]
    edged = f"^{word}$"
    return [f"c:{edged[i : i + 4]}" for i in range(min(len(edged) - 3, 10))]


def _split(prompt: str) -> tuple[str, str, list[str]]:
    """Return the request, what was pasted, and facts about the whole."""
    facts = []
    if len(prompt) > HEAD_CHARACTERS + TAIL_CHARACTERS:
        prompt = f"{prompt[:HEAD_CHARACTERS]}\n{prompt[-TAIL_CHARACTERS:]}"
        facts.append("is:cut")
    pasted: list[str] = []

    def keep(match: re.Match[str]) -> str:
        pasted.append(match[0])
        facts.append("is:stdin" if match[0].startswith("<stdin>") else "is:fenced")
        return "\n"

    request = _BLOCK.sub(keep, prompt)
    lines = request.split("\n")
    own = [line for line in lines if not _PASTED_LINE.match(line)]
    if any(line.strip() for line in own):
        pasted += [line for line in lines if _PASTED_LINE.match(line)]
        request = "\n".join(own)
    else:
        facts.append("is:all-pasted")
    log = "\n".join(pasted)
    if len(log) > len(request):
        facts.append("is:mostly-pasted")
    elif pasted:
        facts.append("is:partly-pasted")
    if _TROUBLE.search(prompt):
        facts.append("is:trouble")
    facts += [f"is:about-{topic}" for topic, pattern in _TOPICS if pattern.search(request)]
    facts += [f"is:pasted-{topic}" for topic, pattern in _TOPICS[:4] if pattern.search(log)]
    return request, log[:2000], facts


def _words(text: str) -> list[str]:
    return [_normal(token) for token in _TOKEN.findall(text)]


def _normal(token: str) -> str:
    """Return a token as a word: lower case; addresses, paths and numbers as their kind."""
    first = token[0]
    if first in "?!":
        return first
    if first.isdigit():
        return "<number>"
    if token.startswith("http"):
        return "<issue>" if "/issues/" in token else "<pull>" if "/pull/" in token else "<url>"
    if "/" in token and token.count("/") == 1 and first == "/":
        return token.lower()
    if "/" in token or first == "@" or ("." in token):
        dot = token.rfind(".")
        return f"<path{token[dot:].lower()}>" if 0 < len(token) - dot < 6 and dot > 0 else "<path>"
    return token.lower().replace("’", "'")


def _beginning(sentences: list[list[str]]) -> list[str]:
    """Return what the request begins with, with and without courtesy, and what a later sentence begins with."""
    if not sentences:
        return ["is:empty"]
    first = sentences[0]
    names = [f"b:{' '.join(first[:n])}" for n in (1, 2, 3)]
    own = [word for word in first if word not in _COURTESY]
    names += [f"b:~{' '.join(own[:n])}" for n in (1, 2)]
    names += [f"s:{word}" for word in first[:15]]
    for sentence in sentences[1:8]:
        own = [word for word in sentence if word not in _COURTESY]
        names += [f"n:{' '.join(sentence[:2])}", f"n:~{' '.join(own[:1])}"]
    return names


def _shape(request: str, words: list[str], facts: list[str]) -> list[str]:
    """Return facts about length, question marks and script."""
    length = next((i for i, limit in enumerate((1, 3, 6, 12, 25, 50, 100)) if len(words) <= limit), 7)
    names = [*facts, f"is:length{length}"]
    stripped = request.rstrip()
    if stripped.endswith("?"):
        names.append("is:asking")
    elif "?" in words:
        names.append("is:asking-within")
    if request.count("\n") > 6:
        names.append("is:many-lines")
    if words and words[0].startswith("/"):
        names.append("is:slash")
    if not request.isascii():
        names += sorted({f"is:{_script(character)}" for character in request if ord(character) > 0x24F})
    return names


def _script(character: str) -> str:
    point = ord(character)
    for name, low, high in (("kana", 0x3040, 0x30FF), ("han", 0x4E00, 0x9FFF), ("hangul", 0xAC00, 0xD7AF), ("cyrillic", 0x400, 0x4FF)):
        if low <= point <= high:
            return name
    return "symbol"
