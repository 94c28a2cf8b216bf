module autoscaler-keda-hpa/bench

go 1.26.0

require (
	autoscaler-keda-hpa/e2e v0.0.0
	k8s.io/apimachinery v0.37.2
	k8s.io/client-go v0.37.2
)

replace autoscaler-keda-hpa/e2e => ../e2e
