"""What junitparser reads of a JUnit file, as JSON; junit2html turns it into a page."""

import json
import sys

import junitparser
from junit2htmlreport import parser as junit2html

xml, page = sys.argv[1:]
suites = []
for suite in junitparser.JUnitXml.fromfile(xml):
    cases = []
    for case in suite:
        results = [(type(result).__name__.lower(), result.message) for result in case.result]
        cases.append({"name": case.name, "classname": case.classname, "time": case.time, "results": results})
    properties = {property.name: property.value for property in suite.properties()}
    counts = [suite.tests, suite.failures, suite.errors, suite.skipped]
    suites.append({"name": suite.name, "cases": cases, "counts": counts, "properties": properties})
report = junit2html.Junit(xml)
with open(page, "w", encoding="utf-8") as out:
    out.write(report.html())
json.dump(suites, sys.stdout)
