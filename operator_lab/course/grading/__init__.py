"""Grading what other people wrote: their code runs in a locked room, the verdict falls outside.

`room` locks the room, `inmate` is the program inside it, `wire` carries arrays through the door,
`found` looks for answers in a notebook, `visit` judges one student's, `folder` a whole class, and
`gradebook` writes the tables.
"""
