"""Results to tables, plots, HTML and Markdown."""
