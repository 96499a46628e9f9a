/* A libnvidia-ml.so.1 that answers from the file named by FAKE_NVML. Signatures and structures follow nvml.h. */
#include "answers.h"

#define EXPORT __attribute__((visibility("default")))
#define NOT_SUPPORTED 3
#define INVALID_ARGUMENT 2
#define NOT_FOUND 6
#define INSUFFICIENT_SIZE 7

typedef struct { int gpu; int mig; } *nvmlDevice_t;
typedef struct { char busIdLegacy[16]; unsigned domain, bus, device, pciDeviceId, pciSubSystemId; char busId[32]; } nvmlPciInfo_t;
typedef struct { unsigned long long total, free, used; } nvmlMemory_t;
typedef struct { unsigned pid; unsigned long long usedGpuMemory; unsigned gpuInstanceId, computeInstanceId; } nvmlProcessInfo_t;
typedef struct { unsigned version; unsigned char clusterUuid[16]; int status; unsigned cliqueId; unsigned char state; unsigned healthMask; } nvmlGpuFabricInfoV_t;

static struct { int gpu; int mig; } devices[16][9];

__attribute__((constructor)) static void start(void) {
    answers_load("FAKE_NVML");
    for (int gpu = 0; gpu < 16; gpu++)
        for (int mig = 0; mig < 9; mig++) { devices[gpu][mig].gpu = gpu; devices[gpu][mig].mig = mig - 1; }
}

#define FIELD(name) \
    misbehave(__func__); \
    const char *value; \
    int code = device_field(device->gpu, name, NOT_SUPPORTED, &value); \
    if (code) return code;

static int text_out(const char *value, char *out, unsigned length) {
    if (strlen(value) >= length) return INSUFFICIENT_SIZE;
    strcpy(out, value);
    return 0;
}

static int system_text(const char *key, char *out, unsigned length) {
    const char *value = answer(key);
    return value ? text_out(value, out, length) : NOT_SUPPORTED;
}

static int init(const char *call) {
    misbehave(call);
    const char *value = answer("nvml.init");
    return value ? atoi(value) : 0;
}

EXPORT int nvmlInit_v2(void) { return init(__func__); }
EXPORT int nvmlInitWithFlags(unsigned flags) { (void)flags; return init("nvmlInit_v2"); }
EXPORT int nvmlShutdown(void) { misbehave(__func__); return 0; }

EXPORT const char *nvmlErrorString(int code) {
    switch (code) {
    case 0: return "Success";
    case 2: return "Invalid Argument";
    case 3: return "Not Supported";
    case 4: return "Insufficient Permissions";
    case 6: return "Not Found";
    case 9: return "Driver Not Loaded";
    case 12: return "Shared Library Not Found";
    case 13: return "Function Not Found";
    case 15: return "GPU is lost";
    case 18: return "Driver/library version mismatch";
    default: return "Unknown Error";
    }
}

EXPORT int nvmlSystemGetNVMLVersion(char *out, unsigned length) { misbehave(__func__); return system_text("nvml_version", out, length); }
EXPORT int nvmlSystemGetDriverVersion(char *out, unsigned length) { misbehave(__func__); return system_text("driver_version", out, length); }
EXPORT int nvmlSystemGetCudaDriverVersion_v2(int *out) {
    misbehave(__func__);
    const char *value = answer("cuda_version");
    if (!value) return 12;
    *out = atoi(value);
    return 0;
}
EXPORT int nvmlSystemGetProcessName(unsigned pid, char *out, unsigned length) {
    char key[64];
    misbehave(__func__);
    snprintf(key, sizeof key, "process.%u", pid);
    const char *value = answer(key);
    return value ? text_out(value, out, length) : NOT_FOUND;
}

EXPORT int nvmlDeviceGetCount_v2(unsigned *out) {
    misbehave(__func__);
    const char *value = answer("count");
    if (value && !strncmp(value, "error ", 6)) return atoi(value + 6);
    *out = value ? atoi(value) : 0;
    return 0;
}
EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *out) {
    char key[64];
    misbehave(__func__);
    snprintf(key, sizeof key, "gpu.%u.handle", index);
    const char *value = answer(key);
    if (value && !strncmp(value, "error ", 6)) return atoi(value + 6);
    if (index >= 16) return INVALID_ARGUMENT;
    *out = (nvmlDevice_t)&devices[index][0];
    return 0;
}

static int mig_field(nvmlDevice_t device, const char *field, const char **value) {
    char name[64];
    snprintf(name, sizeof name, "mig.%d.%s", device->mig, field);
    return device_field(device->gpu, name, NOT_FOUND, value);
}
#define FIELD_OR_MIG(name) \
    misbehave(__func__); \
    const char *value; \
    int code = device->mig < 0 ? device_field(device->gpu, name, NOT_SUPPORTED, &value) : mig_field(device, name, &value); \
    if (code) return code;

EXPORT int nvmlDeviceGetUUID(nvmlDevice_t device, char *out, unsigned length) { FIELD_OR_MIG("uuid") return text_out(value, out, length); }
EXPORT int nvmlDeviceGetName(nvmlDevice_t device, char *out, unsigned length) { FIELD_OR_MIG("name") return text_out(value, out, length); }
EXPORT int nvmlDeviceGetVbiosVersion(nvmlDevice_t device, char *out, unsigned length) { FIELD("vbios") return text_out(value, out, length); }
EXPORT int nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *out) {
    FIELD("pci")
    memset(out, 0, sizeof *out);
    snprintf(out->busId, sizeof out->busId, "%s", value);
    sscanf(value, "%x:%x:%x", &out->domain, &out->bus, &out->device);
    return 0;
}
EXPORT int nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor) {
    FIELD("cc")
    return sscanf(value, "%d.%d", major, minor) == 2 ? 0 : 999;
}
EXPORT int nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *out) {
    FIELD_OR_MIG("memory") /* TOTAL USED, in MiB */
    unsigned long long total = 0, used = 0;
    sscanf(value, "%llu %llu", &total, &used);
    out->total = total << 20;
    out->used = used << 20;
    out->free = out->total - out->used;
    return 0;
}
EXPORT int nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned *current, unsigned *pending) { FIELD("mig") *current = *pending = atoi(value); return 0; }
EXPORT int nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned *out) { FIELD("mig_max") *out = atoi(value); return 0; }
EXPORT int nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned index, nvmlDevice_t *out) {
    misbehave(__func__);
    char field[64];
    snprintf(field, sizeof field, "mig.%u.uuid", index);
    const char *value;
    int code = device_field(device->gpu, field, NOT_FOUND, &value);
    if (code) return code;
    *out = (nvmlDevice_t)&devices[device->gpu][index + 1];
    return 0;
}
EXPORT int nvmlDeviceGetEccMode(nvmlDevice_t device, unsigned *current, unsigned *pending) { FIELD("ecc") *current = *pending = atoi(value); return 0; }
EXPORT int nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, int type, int counter, unsigned long long *out) {
    FIELD(type == 0 ? "ecc_corrected" : counter == 0 ? "ecc_volatile" : "ecc_aggregate")
    *out = strtoull(value, NULL, 10);
    return 0;
}
EXPORT int nvmlDeviceGetRemappedRows(nvmlDevice_t device, unsigned *corr, unsigned *unc, unsigned *pending, unsigned *failed) {
    FIELD("remapped_rows")
    return sscanf(value, "%u %u %u %u", corr, unc, pending, failed) == 4 ? 0 : 999;
}

#define NUMBER(function, field, type) \
    EXPORT int function(nvmlDevice_t device, type *out) { FIELD(field) *out = (type)strtoull(value, NULL, 0); return 0; }
NUMBER(nvmlDeviceGetRetiredPagesPendingStatus, "retired_pages_pending", unsigned)
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, "link_generation", unsigned)
NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, "link_generation_max", unsigned)
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, "link_width", unsigned)
NUMBER(nvmlDeviceGetMaxPcieLinkWidth, "link_width_max", unsigned)
NUMBER(nvmlDeviceGetCurrentClocksThrottleReasons, "throttle", unsigned long long)
NUMBER(nvmlDeviceGetPersistenceMode, "persistence", unsigned)
NUMBER(nvmlDeviceGetComputeMode, "compute_mode", unsigned)
NUMBER(nvmlDeviceGetPowerUsage, "power_mw", unsigned)
NUMBER(nvmlDeviceGetEnforcedPowerLimit, "power_limit_mw", unsigned)
NUMBER(nvmlDeviceGetBrand, "brand", unsigned)

EXPORT int nvmlDeviceGetTemperature(nvmlDevice_t device, int sensor, unsigned *out) { (void)sensor; FIELD("temperature") *out = atoi(value); return 0; }
EXPORT int nvmlDeviceGetNvLinkState(nvmlDevice_t device, unsigned link, unsigned *out) {
    FIELD("nvlinks") /* "110": two up, one down */
    if (link >= strlen(value)) return INVALID_ARGUMENT;
    *out = value[link] == '1';
    return 0;
}
EXPORT int nvmlDeviceGetGpuFabricInfoV(nvmlDevice_t device, nvmlGpuFabricInfoV_t *out) {
    FIELD("fabric") /* STATE STATUS */
    int state = 0, status = 0;
    if (out->version >> 24 != 2) return 25; /* argument version mismatch */
    sscanf(value, "%d %d", &state, &status);
    out->state = (unsigned char)state;
    out->status = status;
    return 0;
}

static int processes(const char *value, unsigned *count, nvmlProcessInfo_t *out) {
    unsigned room = out ? *count : 0, found = 0, pid, used;
    int length;
    while (sscanf(value, "%u:%u%n", &pid, &used, &length) == 2) { /* PID:MIB PID:MIB ... */
        if (found < room) {
            memset(&out[found], 0, sizeof *out);
            out[found].pid = pid;
            out[found].usedGpuMemory = (unsigned long long)used << 20;
        }
        found++;
        value += length;
    }
    *count = found;
    return found > room ? INSUFFICIENT_SIZE : 0;
}
EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned *count, nvmlProcessInfo_t *out) { FIELD("compute_processes") return processes(value, count, out); }
EXPORT int nvmlDeviceGetGraphicsRunningProcesses_v3(nvmlDevice_t device, unsigned *count, nvmlProcessInfo_t *out) { FIELD("graphics_processes") return processes(value, count, out); }
