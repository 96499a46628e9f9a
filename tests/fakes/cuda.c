/* A libcuda.so.1 that answers from the file named by FAKE_CUDA, and heeds CUDA_VISIBLE_DEVICES as the real one does
 * for plain numbers: the first that is not a device ends the list. Signatures follow cuda.h. */
#include "answers.h"

#define EXPORT __attribute__((visibility("default")))
#define INVALID_VALUE 1
#define NOT_INITIALIZED 3
#define NO_DEVICE 100
#define INVALID_DEVICE 101

static int visible[16], count, ready;

static void choose(void) {
    const char *value = answer("count"), *mask = getenv("CUDA_VISIBLE_DEVICES");
    int all = value ? atoi(value) : 0;
    if (!mask) {
        for (count = 0; count < all; count++) visible[count] = count;
        return;
    }
    for (count = 0; *mask && count < 16;) {
        char *end;
        long number = strtol(mask, &end, 10);
        if (end == mask || number < 0 || number >= all) return;
        visible[count++] = (int)number;
        if (*end != ',') return;
        mask = end + 1;
    }
}

__attribute__((constructor)) static void start(void) {
    answers_load("FAKE_CUDA");
    choose();
}

EXPORT int cuInit(unsigned flags) {
    (void)flags;
    misbehave(__func__);
    const char *value = answer("cuda.init");
    int code = value ? atoi(value) : 0;
    if (!code && !count) code = NO_DEVICE;
    ready = !code;
    return code;
}
EXPORT int cuDriverGetVersion(int *out) {
    misbehave(__func__);
    const char *value = answer("cuda_version"), *init = answer("cuda.init");
    if (init && atoi(init) == 34) return 34;
    *out = value ? atoi(value) : 0;
    return 0;
}
EXPORT int cuGetErrorName(int code, const char **out) {
    const char *init = answer("cuda.init");
    if (init && atoi(init) == 34) return 34;
    switch (code) {
    case 0: *out = "CUDA_SUCCESS"; break;
    case 1: *out = "CUDA_ERROR_INVALID_VALUE"; break;
    case 3: *out = "CUDA_ERROR_NOT_INITIALIZED"; break;
    case 100: *out = "CUDA_ERROR_NO_DEVICE"; break;
    case 101: *out = "CUDA_ERROR_INVALID_DEVICE"; break;
    case 802: *out = "CUDA_ERROR_SYSTEM_NOT_READY"; break;
    case 803: *out = "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"; break;
    case 804: *out = "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE"; break;
    case 999: *out = "CUDA_ERROR_UNKNOWN"; break;
    default: return INVALID_VALUE;
    }
    return 0;
}
EXPORT int cuDeviceGetCount(int *out) { misbehave(__func__); if (!ready) return NOT_INITIALIZED; *out = count; return 0; }
EXPORT int cuDeviceGet(int *out, int ordinal) {
    misbehave(__func__);
    if (ordinal < 0 || ordinal >= count) return INVALID_DEVICE;
    *out = visible[ordinal];
    return 0;
}

#define FIELD(name) \
    misbehave(__func__); \
    const char *value; \
    int code = device_field(device, name, INVALID_VALUE, &value); \
    if (code) return code;

EXPORT int cuDeviceGetName(char *out, int length, int device) { FIELD("name") snprintf(out, length, "%s", value); return 0; }
EXPORT int cuDeviceGetPCIBusId(char *out, int length, int device) { FIELD("pci") snprintf(out, length, "%s", value); return 0; }
EXPORT int cuDeviceTotalMem_v2(size_t *out, int device) { FIELD("memory") *out = (size_t)strtoull(value, NULL, 10) << 20; return 0; }
EXPORT int cuDeviceGetAttribute(int *out, int attribute, int device) {
    FIELD("cc")
    int major = 0, minor = 0;
    sscanf(value, "%d.%d", &major, &minor);
    if (attribute != 75 && attribute != 76) return INVALID_VALUE;
    *out = attribute == 75 ? major : minor;
    return 0;
}

static int bytes_of(const char *text, char *out) {
    int at = 0;
    text = strchr(text, '-');
    while (text && *text && at < 16) {
        unsigned byte;
        if (*text == '-') { text++; continue; }
        if (sscanf(text, "%2x", &byte) != 1) return INVALID_VALUE;
        out[at++] = (char)byte;
        text += 2;
    }
    return at == 16 ? 0 : INVALID_VALUE;
}
EXPORT int cuDeviceGetUuid(char *out, int device) { FIELD("uuid") return bytes_of(value, out); }
EXPORT int cuDeviceGetUuid_v2(char *out, int device) { FIELD(device_answer(device, "mig_uuid") ? "mig_uuid" : "uuid") return bytes_of(value, out); }
