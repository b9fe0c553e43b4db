# pint lints the generated rules without a server: syntax, labels that match, templates, and what each alert must say.
parser {
  include = ["prometheus/rules/.*"]
}

rule {
  match {
    kind = "alerting"
  }
  label "severity" {
    value    = "(page|ticket|info)"
    severity = "bug"
    required = true
  }
  annotation "summary" {
    severity = "bug"
    required = true
  }
  annotation "description" {
    severity = "bug"
    required = true
  }
  annotation "runbook_url" {
    value    = ".+#tierscope.+"
    severity = "bug"
    required = true
  }
}

rule {
  match {
    kind = "recording"
  }
  name "[a-z_]+:[a-z_]+:[a-z0-9_]+" {
    severity = "bug"
  }
}

# The month is a group of its own, so that its tests need not evaluate every window: it may lag by one of 8640.
rule {
  match {
    path = ".*/promise-month.yaml"
  }
  disable = ["rule/dependency"]
}
