// No program is built of it: its CRDs are what the monitoring overlay of
// config/ is held against.
module autoscaler-keda-hpa/e2e/tools/prometheus-operator

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
