/* Preloaded into a program (LD_PRELOAD): makes its disk slow or failing, and moves its clock, while it runs.

   What is to go wrong stands in a file that is mapped (FAULTS_FILE, written by support/faults.py). Only files whose path
   contains FAULTS_ONLY are slow or fail. The monotonic clock and the file system's own times stay as they are. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct faults {
    volatile int64_t clock_seconds; /* added to the time of day */
    volatile int64_t read_ms;       /* that a read takes */
    volatile int64_t sync_ms;       /* that fsync and fdatasync take */
    volatile int64_t write_errno;   /* with which writes fail */
    volatile int64_t reads;         /* counted: those that were slow */
};

static struct faults none;
static struct faults *faults = &none;
static const char *only = "";

static ssize_t (*next_pread)(int, void *, size_t, off64_t);
static ssize_t (*next_pwrite)(int, const void *, size_t, off64_t);
static int (*next_fsync)(int);
static int (*next_fdatasync)(int);
static int (*next_ftruncate)(int, off64_t);
static int (*next_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void)
{
    next_pread = dlsym(RTLD_NEXT, "pread64");
    next_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    next_fsync = dlsym(RTLD_NEXT, "fsync");
    next_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    next_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    next_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("FAULTS_FILE");
    const char *wanted = getenv("FAULTS_ONLY");
    if (wanted)
        only = wanted;
    if (!path)
        return;
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0)
        return;
    void *mapped = mmap(NULL, sizeof(struct faults), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (mapped != MAP_FAILED)
        faults = mapped;
}

static int is_meant(int descriptor)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return strstr(path, only) != NULL;
}

static void wait_ms(int64_t milliseconds)
{
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) && errno == EINTR)
        ;
}

static int fails(int descriptor)
{
    if (!faults->write_errno || !is_meant(descriptor))
        return 0;
    errno = (int)faults->write_errno;
    return 1;
}

ssize_t pread64(int descriptor, void *buffer, size_t size, off64_t offset)
{
    if (faults->read_ms && is_meant(descriptor)) {
        __sync_fetch_and_add(&faults->reads, 1);
        wait_ms(faults->read_ms);
    }
    return next_pread(descriptor, buffer, size, offset);
}

ssize_t pread(int descriptor, void *buffer, size_t size, off_t offset)
{
    return pread64(descriptor, buffer, size, offset);
}

ssize_t pwrite64(int descriptor, const void *buffer, size_t size, off64_t offset)
{
    return fails(descriptor) ? -1 : next_pwrite(descriptor, buffer, size, offset);
}

ssize_t pwrite(int descriptor, const void *buffer, size_t size, off_t offset)
{
    return pwrite64(descriptor, buffer, size, offset);
}

int ftruncate64(int descriptor, off64_t size)
{
    return fails(descriptor) ? -1 : next_ftruncate(descriptor, size);
}

int ftruncate(int descriptor, off_t size)
{
    return ftruncate64(descriptor, size);
}

int fsync(int descriptor)
{
    if (faults->sync_ms && is_meant(descriptor))
        wait_ms(faults->sync_ms);
    return fails(descriptor) ? -1 : next_fsync(descriptor);
}

int fdatasync(int descriptor)
{
    if (faults->sync_ms && is_meant(descriptor))
        wait_ms(faults->sync_ms);
    return fails(descriptor) ? -1 : next_fdatasync(descriptor);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = next_clock_gettime(clock, now);
    if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += faults->clock_seconds;
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec found;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now)
{
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (now)
        *now = found.tv_sec;
    return found.tv_sec;
}
