/*
 * process_*: what /proc and the limits say of this process. Each file is read whole into a small
 * buffer; a figure that cannot be read keeps its last value.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/metrics/internal.h"

struct process_meters {
	struct metric *cpu, *resident, *virtual, *virtual_max, *fds, *fds_max, *start;
	double told_cpu; /* what the counter holds */
	double booted;   /* seconds since the epoch; 0: not known */
};

/* False: it cannot be read. */
static bool read_start_of(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t length = read(fd, out, size - 1);
	close(fd);
	out[length > 0 ? length : 0] = '\0';
	return length > 0;
}

/* proc(5): "btime" of /proc/stat stands behind a line a processor and a long one of interrupts. */
static double boot_time(void)
{
	unsigned long long seconds = 0;
	char line[256];
	FILE *file = fopen("/proc/stat", "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "btime %llu", &seconds) == 1)
			break;
	if (file)
		fclose(file);
	return (double)seconds;
}

/* proc(5), counted behind the name in brackets, which may hold anything. */
static void collect_stat(struct process_meters *m)
{
	unsigned long user, system, size;
	unsigned long long started;
	long resident;
	char text[1024];
	double ticks = (double)sysconf(_SC_CLK_TCK);
	const char *rest =
	    read_start_of("/proc/self/stat", text, sizeof(text)) ? strrchr(text, ')') : NULL;
	if (!rest || sscanf(rest + 1,
			    " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d "
			    "%*d %*d %llu %lu %ld",
			    &user, &system, &started, &size, &resident) != 5)
		return;
	double cpu = (double)(user + system) / ticks;
	metric_add(m->cpu, NULL, cpu > m->told_cpu ? cpu - m->told_cpu : 0);
	m->told_cpu = cpu;
	metric_set(m->virtual, NULL, (double)size);
	metric_set(m->resident, NULL, (double)resident * (double)sysconf(_SC_PAGESIZE));
	if (m->booted > 0)
		metric_set(m->start, NULL, m->booted + (double)started / ticks);
}

static void collect_fds(struct process_meters *m)
{
	const struct dirent *entry;
	double count = -1; /* the one that reads the list */
	DIR *list = opendir("/proc/self/fd");
	if (!list)
		return;
	while ((entry = readdir(list)))
		count += entry->d_name[0] != '.';
	closedir(list);
	metric_set(m->fds, NULL, count);
}

/* "unlimited" is 2^64 - 1, as with client_golang. */
static void collect_limit(struct metric *metric, enum __rlimit_resource which)
{
	struct rlimit limit;
	if (getrlimit(which, &limit) == 0)
		metric_set(metric, NULL, (double)limit.rlim_cur);
}

static void collect(void *ctx)
{
	struct process_meters *m = ctx;
	collect_stat(m);
	collect_fds(m);
	collect_limit(m->fds_max, RLIMIT_NOFILE);
	collect_limit(m->virtual_max, RLIMIT_AS);
}

void metrics_process(struct metrics *metrics)
{
	struct process_meters *m = xcalloc(1, sizeof(*m));
	CHECK(!metrics->process);
	metrics->process = m;
	m->booted = boot_time();
	m->cpu = metrics_counter(metrics, "process_cpu_seconds_total",
				 "Processor time spent, in user and in kernel mode.", NULL);
	m->resident = metrics_gauge(metrics, "process_resident_memory_bytes",
				    "Resident memory, shared libraries included.", NULL);
	m->virtual = metrics_gauge(metrics, "process_virtual_memory_bytes",
				   "Size of the address space.", NULL);
	m->virtual_max = metrics_gauge(metrics, "process_virtual_memory_max_bytes",
				       "The most that it may be.", NULL);
	m->fds = metrics_gauge(metrics, "process_open_fds", "Open file descriptors.", NULL);
	m->fds_max = metrics_gauge(metrics, "process_max_fds", "The most that there may be.", NULL);
	m->start = metrics_gauge(metrics, "process_start_time_seconds",
				 "When the process started, seconds since the epoch.", NULL);
	metrics_on_collect(metrics, collect, NULL, m);
}
