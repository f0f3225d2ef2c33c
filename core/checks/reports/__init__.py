"""What a check found, as one record, and the forms in which it is handed over.

A form is a module here with a function `write`: `html`, `markdown`, `json` for people and archives (`--report`),
`nagios`, `prometheus`, `junit` for what watches machines (`--format`).
"""
