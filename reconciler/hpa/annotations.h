/*
 * The annotation table: one declarative row an annotation. Parsing, refusals and the reference
 * documentation all come from it; a new annotation is one row and, where its value needs more than
 * its type says, one function.
 */
#ifndef HPA_ANNOTATIONS_H
#define HPA_ANNOTATIONS_H

#include "pkg/keda/config_keda.h"
#include "pkg/knative/pod_autoscaler.h"
#include "pkg/units/decimal.h"
#include "reconciler/hpa/refusal.h"

#define ANNOTATION_PREFIX "autoscaling.knative.dev/"
#define ANNOTATION_MAX_BYTES (256 * 1024)

enum annotation_type {
	ANNOTATION_TEXT,        /* non-empty */
	ANNOTATION_INT32,       /* int32, low..high */
	ANNOTATION_DECIMAL,     /* decimal >= low */
	ANNOTATION_BOOL,        /* strconv.ParseBool */
	ANNOTATION_DURATION,    /* Go duration of whole seconds, low..high seconds */
	ANNOTATION_SECONDS,     /* whole seconds, or a Go duration of whole seconds, low..high */
	ANNOTATION_CHOICE,      /* one of choices */
	ANNOTATION_TEMPLATE,    /* non-empty, expanded */
	ANNOTATION_URL,         /* http or https with a host */
	ANNOTATION_JSON_OBJECT, /* one JSON object; value.json */
	ANNOTATION_JSON_LIST,   /* one JSON list; value.json */
	ANNOTATION_YAML_LIST,   /* one list in JSON or YAML; value.json */
};

/* Which kinds of metric it means something to. With others one that the Go autoscaler-keda knows is
 * checked, but goes nowhere, as there; a new one is refused; one of Knative's own for METRIC_HTTP
 * alone is not read, for it may stand on any revision. */
enum metric_kinds {
	METRIC_CPU = 1,
	METRIC_MEMORY = 2,
	METRIC_CUSTOM = 4,
	METRIC_HTTP = 8, /* concurrency, rps */
	METRIC_ANY = 15,
};

enum annotation_id {
	A_CLASS,
	A_METRIC,
	A_TARGET,
	A_TARGET_UTILIZATION,
	A_TARGET_BURST_CAPACITY,
	A_METRIC_TYPE,
	A_MIN_SCALE,
	A_MAX_SCALE,
	A_INITIAL_SCALE,
	A_WINDOW,
	A_QUERY,
	A_PROMETHEUS_ADDRESS,
	A_AUTO_CREATE,
	A_POLLING_INTERVAL,
	A_COOLDOWN_PERIOD,
	A_INITIAL_COOLDOWN_PERIOD,
	A_SCALING_MODIFIERS,
	A_SCALE_UP_RULES,
	A_SCALE_DOWN_RULES,
	A_OVERRIDE,
	A_IDLE_REPLICA_COUNT,
	A_FALLBACK_FAILURE_THRESHOLD,
	A_FALLBACK_REPLICAS,
	A_FALLBACK_BEHAVIOR,
	A_PAUSED,
	A_PAUSED_SCALE_IN,
	A_PAUSED_SCALE_OUT,
	A_FORCE_ACTIVATION,
	A_PAUSED_REPLICAS,
	A_TRIGGER_NAME,
	A_AUTH_NAME,
	A_AUTH_KIND,
	A_AUTH_MODES,
	A_EXTRA_TRIGGERS,
	A_KEDA_TRIGGERS,
	A_ACTIVATION_TARGET,
	A_IGNORE_NULL_VALUES,
	A_UNSAFE_SSL,
	A_QUERY_PARAMETERS,
	A_CUSTOM_HEADERS,
	A_PROMETHEUS_TIMEOUT,
	A_CONTAINER,
	A_COUNT,
};

struct annotation_value;
/* What a row checks beyond its type: false with refusal set. */
typedef bool annotation_check_fn(const struct annotation_value *value, struct arena *arena,
				 struct refusal *refusal);

struct annotation_row {
	const char *name;       /* full: "autoscaling.knative.dev/min-scale" */
	const char *aliases[3]; /* full names, the row's own name wins; NULL-terminated */
	enum annotation_id id;
	enum annotation_type type;
	bool secret;                /* may hold credentials: no refusal shows the value */
	bool basic;                 /* read with scaled-object-auto-create off, too */
	bool beside_override;       /* read beside scaled-object-override, as basic ones are */
	const char *low, *high;     /* decimal texts, NULL: no bound but the type's */
	const char *const *choices; /* NULL-terminated */
	annotation_check_fn *check; /* may be NULL */
	unsigned kinds;             /* enum metric_kinds, or-ed */
	const char *description;    /* one line */
	const char *right;          /* completes "use ..." in a refusal */
	const char *example;
	const char *fallback; /* the default, in words, for the reference */
};

/* All rows, in the order of the reference and of refusals. */
const struct annotation_row *annotation_rows(size_t *count);

struct annotation_value {
	const struct annotation_row *row; /* NULL: not annotated */
	const char *key;                  /* the name that was used */
	const char *text;                 /* as written; template: expanded */
	int64_t number;                   /* int32, bool, whole seconds */
	struct decimal decimal;
	struct json *json; /* of the JSON and YAML types; each value knows its line and column */
};

struct annotations {
	bool auto_create;       /* annotated, else configured; false: only basic rows were read */
	enum metric_kinds kind; /* of the metric; of cpu where that was not read */
	struct annotation_value values[A_COUNT];
};

/* Reads what the table knows; the first wrong value in the order of the table is refused, then
 * what is no text in an annotation of KEDA's own. Texts live in the arena or in
 * pa. False with refusal set. */
MUST_CHECK bool annotations_parse(const struct pod_autoscaler *pa, const struct config_keda *config,
				  struct arena *arena, struct annotations *out,
				  struct refusal *refusal);
/* NULL: not annotated (or not read). */
const struct annotation_value *annotation_get(const struct annotations *set, enum annotation_id id);
/* What kind of metric bears that name. */
enum metric_kinds annotation_kind_of(const char *metric);
/* autoscaling.keda.sh/ and KEDA's other prefixes: such annotations go to the ScaledObject. */
bool annotation_is_keda(const char *key);
/* The name to speak of: the one that was used, else the row's own. */
const char *annotation_key(const struct annotations *set, enum annotation_id id);

#endif
