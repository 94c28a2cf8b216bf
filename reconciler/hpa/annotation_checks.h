/* What rows of the annotation table check beyond their type: KEDA's own small formats,
 * and numbers of Knative's. */
#ifndef HPA_ANNOTATION_CHECKS_H
#define HPA_ANNOTATION_CHECKS_H

#include "reconciler/hpa/annotations.h"

/* A comma list of bearer, basic, tls, custom, oauth, apiKey (KEDA's authentication.Type). */
annotation_check_fn check_auth_modes;
/* key=value,key=value; no "=" or "," inside either (KEDA's setConfigValueMap). */
annotation_check_fn check_pairs;
/* Whole milliseconds or a Go duration, more than nothing. */
annotation_check_fn check_timeout;
/* A decimal of 100 at most; the row has the least. */
annotation_check_fn check_percentage;
/* -1 or not negative. */
annotation_check_fn check_burst_capacity;

#endif
