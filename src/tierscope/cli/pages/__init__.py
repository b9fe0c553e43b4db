"""``tierscope report --html``: what the page says, a file for each of its sections; ``tierscope.html`` draws it."""
