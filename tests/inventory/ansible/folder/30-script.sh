#!/bin/sh
echo '{"_meta": {"hostvars": {"db1": {"d": 4}}}, "db": {"hosts": ["db1", "db2"]}}'
