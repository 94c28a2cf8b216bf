/*
 * The messages of KEDA's external scalers by protobuf-c. What it allocates comes from an arena, up
 * to a limit: wire bytes grow to 20 times their size in memory (an empty entry of a map takes two),
 * so that the size of a message alone would bound little.
 */
#include "pkg/keda/external_scaler.h"

#include <stdint.h>
#include <string.h>

#include "pkg/keda/external_scaler.pb-c.h"

struct allowance {
	struct arena *arena;
	size_t left;
	bool refused;
};

static void *allowance_alloc(void *data, size_t size)
{
	struct allowance *allowance = data;
	if (size > allowance->left) {
		allowance->refused = true;
		return NULL;
	}
	allowance->left -= size;
	return arena_alloc(allowance->arena, size);
}

static void allowance_free(void *data, void *memory)
{
	(void)data;
	(void)memory;
}

static void *unpack(const ProtobufCMessageDescriptor *descriptor, const void *message,
		    size_t length, struct arena *arena, struct error *err)
{
	struct allowance allowance = {arena, EXTERNAL_SCALER_BYTES, false};
	ProtobufCAllocator allocator = {allowance_alloc, allowance_free, &allowance};
	void *out = protobuf_c_message_unpack(descriptor, &allocator, length, message);
	if (!out)
		error_set(err, ERROR_INVALID, "%s %s", allowance.refused ? "too large a" : "no",
			  descriptor->short_name);
	return out;
}

static bool take_ref(const Externalscaler__ScaledObjectRef *message, struct arena *arena,
		     struct scaler_ref *out, struct error *err)
{
	size_t count = message->n_scalermetadata;
	if (count > EXTERNAL_SCALER_METADATA)
		return error_set(err, ERROR_INVALID, "%zu entries of scalerMetadata, %d at most",
				 count, EXTERNAL_SCALER_METADATA);
	struct scaler_metadata *metadata = ARENA_ARRAY(arena, struct scaler_metadata, count);
	for (size_t i = 0; i < count; i++)
		metadata[i] = (struct scaler_metadata){message->scalermetadata[i]->key,
						       message->scalermetadata[i]->value};
	*out = (struct scaler_ref){message->name, message->namespace_, metadata, count};
	return true;
}

bool scaler_ref_decode(const void *message, size_t length, struct arena *arena,
		       struct scaler_ref *out, struct error *err)
{
	const Externalscaler__ScaledObjectRef *ref =
	    unpack(&externalscaler__scaled_object_ref__descriptor, message, length, arena, err);
	return ref && take_ref(ref, arena, out, err);
}

bool scaler_metrics_request_decode(const void *message, size_t length, struct arena *arena,
				   struct scaler_metrics_request *out, struct error *err)
{
	const Externalscaler__GetMetricsRequest *request =
	    unpack(&externalscaler__get_metrics_request__descriptor, message, length, arena, err);
	if (!request)
		return false;
	*out = (struct scaler_metrics_request){{"", "", NULL, 0}, request->metricname};
	return !request->scaledobjectref ||
	       take_ref(request->scaledobjectref, arena, &out->ref, err);
}

const char *scaler_ref_metadata(const struct scaler_ref *ref, const char *key)
{
	for (size_t i = ref->metadata_count; i-- > 0;)
		if (strcmp(ref->metadata[i].key, key) == 0)
			return ref->metadata[i].value;
	return NULL;
}

struct sink {
	ProtobufCBuffer buffer; /* first: its address is the sink's */
	struct strbuf *out;
};

static void append(ProtobufCBuffer *buffer, size_t length, const uint8_t *data)
{
	strbuf_add(((struct sink *)buffer)->out, data, length);
}

static void pack(const ProtobufCMessage *message, struct strbuf *out)
{
	struct sink sink = {{append}, out};
	protobuf_c_message_pack_to_buffer(message, &sink.buffer);
}

/* Rounded up, as far as the type goes. */
static int64_t whole(double value)
{
	if (!(value > 0))
		return 0;
	if (value >= (double)INT64_MAX)
		return INT64_MAX;
	int64_t below = (int64_t)value;
	return below + ((double)below < value);
}

void scaler_is_active_encode(bool active, struct strbuf *out)
{
	Externalscaler__IsActiveResponse response = EXTERNALSCALER__IS_ACTIVE_RESPONSE__INIT;
	response.result = active;
	pack(&response.base, out);
}

void scaler_metric_spec_encode(const char *metric, double target, struct strbuf *out)
{
	Externalscaler__GetMetricSpecResponse response =
	    EXTERNALSCALER__GET_METRIC_SPEC_RESPONSE__INIT;
	Externalscaler__MetricSpec spec = EXTERNALSCALER__METRIC_SPEC__INIT, *specs = &spec;
	spec.metricname = (char *)metric;
	spec.targetsize = whole(target);
	spec.targetsizefloat = target;
	response.n_metricspecs = 1;
	response.metricspecs = &specs;
	pack(&response.base, out);
}

void scaler_metric_value_encode(const char *metric, double value, struct strbuf *out)
{
	Externalscaler__GetMetricsResponse response = EXTERNALSCALER__GET_METRICS_RESPONSE__INIT;
	Externalscaler__MetricValue one = EXTERNALSCALER__METRIC_VALUE__INIT, *values = &one;
	one.metricname = (char *)metric;
	one.metricvalue = whole(value);
	one.metricvaluefloat = value;
	response.n_metricvalues = 1;
	response.metricvalues = &values;
	pack(&response.base, out);
}
