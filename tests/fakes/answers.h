/* Answers from a text file, for the fake driver libraries.
 *
 * The file is named by an environment variable. A line is "KEY VALUE"; "#" starts a comment. Device N's answers are
 * "gpu.N.FIELD VALUE", or "gpu.all.FIELD VALUE" for every device without its own. "error CODE" as a value makes the
 * call fail; "gpu.N.lost CODE" makes all of that device's calls fail. "crash CALL", "abort CALL", "exit CALL",
 * "hang CALL" and "hang-family CALL" end or stop the process there; the last one leaves a child in a session of its
 * own that holds the standard streams.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *answers_text;

static void answers_load(const char *variable) {
    const char *path = getenv(variable);
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file) {
        fprintf(stderr, "fake: %s names no readable file\n", variable);
        _exit(99);
    }
    answers_text = calloc(1, 1 << 20);
    size_t size = fread(answers_text, 1, (1 << 20) - 1, file);
    answers_text[size] = 0;
    fclose(file);
}

/* The value of KEY, in one of a few static buffers; NULL if there is no such line. */
static const char *answer(const char *key) {
    static char values[8][512];
    static int next;
    size_t length = strlen(key);
    const char *line = answers_text;
    while (line && *line) {
        const char *end = strchr(line, '\n');
        size_t size = end ? (size_t)(end - line) : strlen(line);
        if (size > length && !strncmp(line, key, length) && line[length] == ' ') {
            char *value = values[next++ % 8];
            size_t left = size - length - 1 < 511 ? size - length - 1 : 511;
            memcpy(value, line + length + 1, left);
            value[left] = 0;
            return value;
        }
        line = end ? end + 1 : NULL;
    }
    return NULL;
}

static const char *device_answer(int device, const char *field) {
    char key[128];
    snprintf(key, sizeof key, "gpu.%d.%s", device, field);
    const char *value = answer(key);
    if (value) return value;
    snprintf(key, sizeof key, "gpu.all.%s", field);
    return answer(key);
}

/* 0 and *value set, or the code that the call fails with. `missing`: the code for a field that is not in the file. */
static int device_field(int device, const char *field, int missing, const char **value) {
    char key[64];
    snprintf(key, sizeof key, "gpu.%d.lost", device);
    const char *lost = answer(key);
    if (lost) return atoi(lost);
    *value = device_answer(device, field);
    if (!*value) return missing;
    if (!strncmp(*value, "error ", 6)) return atoi(*value + 6);
    return 0;
}

static int is_named(const char *how, const char *call) {
    const char *named = answer(how);
    return named && !strcmp(named, call);
}

static void stop_for_ever(void) {
    signal(SIGTERM, SIG_IGN);
    for (;;) pause();
}

static void misbehave(const char *call) {
    if (is_named("crash", call)) *(volatile int *)0 = 0;
    if (is_named("abort", call)) abort();
    if (is_named("exit", call)) _exit(7);
    if (is_named("hang", call)) stop_for_ever();
    if (is_named("hang-family", call)) {
        if (fork() == 0) {
            setsid();
            alarm(30); /* so that a failing test leaves nothing behind for long */
            stop_for_ever();
        }
        stop_for_ever();
    }
}
