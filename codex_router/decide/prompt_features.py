"""What the classifier sees of a prompt: a bag of named features, the same in training and on the hot path.

The request is separated from what was pasted (code fences, ``<stdin>`` blocks, logs, traces, markup): people ask with
the former, and the latter only colours it. Names carry their kind before the colon, so that `because` can show words:

    w:    a word of the request             g:  two words in a row
    b:    the words it begins with          e:  a word of the last sentence
    s:    a word of the first sentence      n:  the words a later sentence begins with
    c:    two or four letters of a word that is not plain ASCII
    t:    the first five letters of a longer word, for its other forms
    p:    a word of what was pasted
    is:   a fact about the whole (a question, long, mostly a log, which script, speaks of tests)

Pure and bounded: at most `HEAD_CHARACTERS` + `TAIL_CHARACTERS` of a prompt are looked at, whatever its length.
"""

from __future__ import annotations

import re
from itertools import pairwise

HEAD_CHARACTERS = 3000
TAIL_CHARACTERS = 1200
HEAD_WORDS = 90
TAIL_WORDS = 40
PASTED_WORDS = 40
PASTED_CHARACTERS = 2000
STEM = 5

_BLOCK = r"(?s)<stdin>.*?(?:</stdin>|\Z)|```.*?(?:```|\Z)"
_TOKEN = re.compile(
    r"https?://\S+"
    r"|[@~]?[\w.$-]{0,120}/[\w./*$-]+|@[\w.-]+"
    r"|\w[\w-]*\.(?:py|js|ts|tsx|jsx|go|rs|md|mdc|json|ya?ml|toml|html|css|sh|sql|txt|java|cs|rb|vue|ps1|lock|cfg|ini)\b"
    r"|[^\W\d_][\w'\u2019-]*"
    r"|\d[\w.]*"
    r"|[?!]",
)
_PASTED_LINE = re.compile(
    r"\s*(?:"
    r"at\s+\S+.*[:(]\d+|File \"|Traceback|\d{4}-\d\d-\d\d[T ]|\[?\d\d:\d\d:\d\d|---\s*(?:FAIL|PASS)"  # traces and logs
    r"|npm (?:ERR|error|warn)|\$ |\d+\s*\||#\d+ "
    r"|[\u2500-\u257f\u23bf\u23fa\u276f\u279c\u2717\u2713\u00d7=>|]"  # frames, prompts and ticks of terminals
    r"|[{}\[\]<]|[+-]{3} |@@"  # markup and diffs
    r"|import |from \S+ import|const |let |var |def |class |function |return )"  # code
)
_TROUBLE = re.compile(
    r"\b(?:\w*Error|\w*Exception|Traceback|FAIL(?:ED)?|panic|fatal|ENOENT|stack trace|exit code [1-9])\b"
)
_END = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s+|\n+|(?<=[\u3002\uff01\uff1f])")
_SCRIPTS = (
    ("kana", 0x3040, 0x30FF),
    ("han", 0x4E00, 0x9FFF),
    ("hangul", 0xAC00, 0xD7AF),
    ("cyrillic", 0x400, 0x4FF),
)
_UNSPACED = {"kana", "han", "hangul"}
_POLITE = """
please pls plz can could would will you we lets let's let us i want need you'd to just now ok okay then so also and hi
hey hello kindly help me i'd like great good nice thanks thank cool perfect yes yep yup yeah no hmm hm well alright
awesome the a actually
"""
_COURTESY = frozenset(_POLITE.split())
_SPOKEN_OF = {
    "lint": """lint linter linters linting eslint tslint stylelint pylint golangci-lint yamllint markdownlint sqlfluff
    ruff mypy pyright prettier clippy flake8 rubocop gofmt checkstyle biome typecheck type-check type-checker formatter
    black isort staticcheck warnings""",
    "test": """test tests testing pytest jest vitest mocha playwright cypress junit unit-test unit-tests e2e coverage
    testcase spec.ts spec.js flaky""",
    "git": "git commit commits committed push pushed branch branches rebase merge merged pr prs worktree stash tag",
    "build": """ci workflow workflows docker dockerfile docker-compose deploy deployed deployment npm pnpm pip
    dependency dependencies pipeline release goreleaser install actions""",
    "docs": "readme changelog doc docs documentation docstring docstrings markdown <path.md> <path.mdc>",
    "plan": "plan spec design approach proposal architecture trade-offs tradeoffs options pros roadmap",
    "review": """review reviewer reviewed reviews audit finding findings vulnerability vulnerabilities security
    owasp""",
}
_TOPICS = {word: topic for topic, words in _SPOKEN_OF.items() for word in words.split()}


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
    names += [f"g:{first} {second}" for first, second in pairwise(words)]
    if len(sentences) > 1:
        names += [f"e:{word}" for word in sentences[-1][:25]]
    names += [f"t:{word[:STEM]}" for word in words if len(word) > STEM and word[0].isalpha()]
    for word in dict.fromkeys(words):
        if not word.isascii():
            names += _letters(word)
    log = _words(pasted)
    names += [f"p:{word}" for word in log[:PASTED_WORDS]]
    names += sorted({f"is:about-{_TOPICS[word]}" for word in words if word in _TOPICS})
    names += sorted({f"is:pasted-{_TOPICS[word]}" for word in log if word in _TOPICS})
    return list(dict.fromkeys(names))


def _letters(word: str) -> list[str]:
    """Return runs of letters: four of a spelt word, two of a script without spaces."""
    if any(_script(character) in _UNSPACED for character in word):
        return [f"c:{word[i : i + 2]}" for i in range(min(len(word), 40))]
    edged = f"^{word}$"
    return [f"c:{edged[i : i + 4]}" for i in range(min(len(edged) - 3, 10))]


def request_words(prompt: str) -> tuple[list[str], list[str]]:
    """Return the words of the request, and the same from behind "please", "can you" and the like."""
    words = _words(_split(prompt)[0])
    first = next((i for i, word in enumerate(words) if word not in _COURTESY), 0)
    return words, words[first:]


def spoken(name: str) -> str:
    """Return a feature's name as people would say it."""
    kind, _, rest = name.partition(":")
    if kind == "is":
        return f"({rest.replace('-', ' ')})"
    return rest.strip("~^$")


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

    has_block = "<stdin>" in prompt or "```" in prompt
    request = re.sub(_BLOCK, keep, prompt) if has_block else prompt
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
    return request, log[:PASTED_CHARACTERS], facts


def _words(text: str) -> list[str]:
    return [_normal(token) for token in _TOKEN.findall(text)]


def _normal(token: str) -> str:
    """Return a token as a word: lower case; addresses, paths and numbers as their kind."""
    first = token[0]
    token = token.rstrip(".")
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
    return token.lower().replace("\u2019", "'")


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
    return next((name for name, low, high in _SCRIPTS if low <= point <= high), "symbol")
