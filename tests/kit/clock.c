/*
 * A wrong clock for a process that is started with this library in LD_PRELOAD. It returns the real time of day, moved by the
 * seconds that the file CLOCK_SHIFT holds at that moment. The clocks that measure spans of time stay as they are, as with a
 * real clock that is set.
 *
 * It is a failing clock as well: the file CLOCK_FAILURE holds the number of readings until one fails. The reading that fails
 * deletes the file, so no second one fails. Rust's standard library panics then.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long number_in(const char *path)
{
    char text[24] = "";
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    return length > 0 ? strtol(text, NULL, 10) : 0;
}

static int fails(void)
{
    static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
    const char *path = getenv("CLOCK_FAILURE");
    pthread_mutex_lock(&turn);
    long left = number_in(path);
    int is_this_one = left == 1 && unlink(path) == 0;
    int file = left > 1 ? open(path, O_WRONLY | O_TRUNC | O_CLOEXEC) : -1;
    if (file >= 0) {
        dprintf(file, "%ld", left - 1);
        close(file);
    }
    pthread_mutex_unlock(&turn);
    return is_this_one;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (clock == CLOCK_REALTIME && fails()) {
        errno = EINVAL;
        return -1;
    }
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && clock == CLOCK_REALTIME)
        now->tv_sec += number_in(getenv("CLOCK_SHIFT"));
    return result;
}
