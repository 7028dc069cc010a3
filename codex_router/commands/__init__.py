"""The verbs: one thin file each; parse, call one function, show, return a status."""
