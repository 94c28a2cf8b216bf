package trace

import (
	"fmt"
	"strings"
)

// field reads a path of an object; nil if it is not there.
func field(value any, path ...string) any {
	for _, key := range path {
		fields, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = fields[key]
	}
	return value
}

func text(value any, path ...string) string {
	value = field(value, path...)
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// objectKey is "Kind/name".
func objectKey(object any) string {
	return text(object, "kind") + "/" + text(object, "metadata", "name")
}

// watched are the kinds whose state the program decides by.
var watched = map[string]bool{
	"PodAutoscaler": true, "ServerlessService": true, "ScaledObject": true, "HorizontalPodAutoscaler": true,
}

// factPaths are the fields of a kind that are facts, by the fact's name.
var factPaths = map[string]map[string][]string{
	"PodAutoscaler":     {"reachability": {"spec", "reachability"}},
	"ServerlessService": {"serviceName": {"status", "serviceName"}, "mode": {"spec", "mode"}},
	"ScaledObject":      {"hpaName": {"status", "hpaName"}, "pausedReplicaCount": {"status", "pausedReplicaCount"}},
	"HorizontalPodAutoscaler": {
		"currentReplicas": {"status", "currentReplicas"}, "desiredReplicas": {"status", "desiredReplicas"},
	},
	"Deployment": {"replicas": {"spec", "replicas"}, "readyReplicas": {"status", "readyReplicas"}},
}

// factConditions are the conditions of a kind that are facts. A ScaledObject's Active comes and goes with
// the moment at which KEDA asks, as any Unknown does.
var factConditions = map[string][]string{
	"PodAutoscaler":           {"Active", "Ready"},
	"ServerlessService":       {"Ready"},
	"ScaledObject":            {"Ready", "Paused"},
	"HorizontalPodAutoscaler": {"ScalingActive"},
	"Deployment":              {},
	"Service":                 {"Ready"},
	"Revision":                {"Ready"},
	"Configuration":           {"Ready"},
}

// there is the fact that an object exists: "yes", or "" once it is gone.
const there = "there"

// factsOf is what is so about an object.
func factsOf(object any) map[string]string {
	kind := text(object, "kind")
	if factConditions[kind] == nil {
		return nil
	}
	facts := map[string]string{there: "yes"}
	for name, path := range factPaths[kind] {
		if value := text(object, path...); value != "" {
			facts[name] = value
		}
	}
	if kind == "HorizontalPodAutoscaler" && facts["currentReplicas"] == "" {
		facts["currentReplicas"] = "0" // left out when it is 0
	}
	if kind == "PodAutoscaler" {
		annotations, _ := field(object, "metadata", "annotations").(map[string]any)
		for name, value := range annotations {
			if short, ours := strings.CutPrefix(name, "autoscaling.knative.dev/keda-"); ours {
				facts["keda-"+short] = fmt.Sprint(value)
			}
		}
	}
	conditions, _ := field(object, "status", "conditions").([]any)
	for _, name := range factConditions[kind] {
		for _, condition := range conditions {
			if text(condition, "type") == name && text(condition, "status") != "Unknown" {
				facts[name] = text(condition, "status")
			}
		}
	}
	return facts
}
