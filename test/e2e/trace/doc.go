// Package trace holds test/cluster's devcluster against the real control
// plane: a recorded trace of every request that the program and the demo make
// is replayed on both, and the answers are compared.
//
// Recording. hack/trace.sh runs the demo on devcluster with --trace and hands
// the raw lines to reduce, which makes demo.jsonl of them: one step a line.
// Of polls only the last stays; discovery is asked once; uids, versions,
// times and the address of Prometheus become placeholders. What the program
// had seen before a write, by the numbers of the versions, becomes the step's
// When: small facts (a condition, a number of replicas) of the objects that it
// watches.
//
// Replaying. Both servers are asked the steps in lockstep, without the program
// running: its writes are the recorded ones. The program's watches are opened
// first and stay open. Before a step both servers must have shown its facts,
// each at the last one or later, in their watches: a fact that never comes
// about is a finding, so the stand-ins for Knative, KEDA and the HPA
// controller are held to the real ones too. Placeholders are read from the
// server just before; a conflict is read and tried again, as the program does.
//
// Comparing. A write is compared at once, without the status that others
// write meanwhile; a read is repeated until both answers agree and show the
// step's facts, or the time is over. HTTP status, content type, warnings and
// JSON count; uids, versions, times, ages and managedFields are put aside.
// Watches are compared at the end: the first event and the order of types of
// each object, and the bookmark behind the initial ones. What remains must be
// in test/cluster/DIFFERENCES.md, each with its reason, and whatever is listed
// there must still be found.
//
// Not replayed: compaction (410), faults and slow streams, which no client can
// ask the real one for; test/unit has them.
package trace
