# pint lints the generated rules without a server: syntax, matching labels, templates, what alerts must say.
parser {
  include = ["prometheus/rules/.*"]
}
