"""How the prompt classifier is made: outside the program's own paths, with numpy and scipy."""
