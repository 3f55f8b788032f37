/* Stands in for benchmark_model on test hosts, TensorFlow's or LiteRT 2's: the same flags, the same output, real timings.
 *
 * It really reads the model file and checks that it is one (identifier TFL3), and really times a kernel: rows of a
 * matrix product whose number grows with the file's size. It is no inference engine; its times say how long that
 * kernel took, under emulation even that is meaningless. Format of the output and of its errors as of TensorFlow 2.18:
 * INFO goes to stdout, ERROR to stderr, exit code 1 on failure.
 *
 * Build: aarch64-linux-gnu-gcc -O3 -static -pthread -Wall -Wextra -Werror -o benchmark_model benchmark_model.c -lm
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 64, BYTES_PER_ROW = 4096, MAX_THREADS = 64 };

/* Flags: value as given, or NULL when absent; then the default holds. */
struct flag {
    const char *name, *title; /* title: how LogParams shows it, or NULL */
    enum { INT, FLOAT, BOOL, STRING } kind;
    const char *value;
};

static struct flag flags[] = {
    {"num_runs", "Min num runs", INT, NULL},
    {"min_secs", "Min runs duration (seconds)", FLOAT, NULL},
    {"max_secs", "Max runs duration (seconds)", FLOAT, NULL},
    {"num_threads", "Num threads", INT, NULL},
    {"warmup_runs", "Min warmup runs", INT, NULL},
    {"warmup_min_secs", "Min warmup runs duration (seconds)", FLOAT, NULL},
    {"graph", "Graph", STRING, NULL},
    {"use_xnnpack", NULL, BOOL, NULL},
    {"report_peak_memory_footprint", "Report the peak memory footprint", BOOL, NULL},
    {"require_full_delegation", "Require full delegation", BOOL, NULL},
    {"use_gpu", "Use gpu", BOOL, NULL},
    {"gpu_backend", "GPU backend", STRING, NULL},
    {"result_file_path", NULL, STRING, NULL},
    {"model_runtime_info_output_file", NULL, STRING, NULL},
    {"delegate_serialize_dir", "Directory for delegate serialization", STRING, NULL}, /* from here TensorFlow's */
    {"delegate_serialize_token", "Model-specific token/key for delegate serialization.", STRING, NULL},
    {"gpu_precision_loss_allowed", "Allow lower precision in gpu", BOOL, NULL},
    {"use_nnapi", "Use NNAPI", BOOL, NULL},
    {"nnapi_accelerator_name", "NNAPI accelerator name", STRING, NULL},
    {"disable_nnapi_cpu", "Disable NNAPI cpu", BOOL, NULL},
    {"nnapi_allow_fp16", "Allow fp16 in NNAPI", BOOL, NULL},
    {"use_hexagon", "Use Hexagon", BOOL, NULL},
    {"hexagon_lib_path", "Hexagon lib path", STRING, NULL},
    {"external_delegate_path", "External delegate path", STRING, NULL},
    {"external_delegate_options", "External delegate options", STRING, NULL},
    {"input_layer", "Input layers", STRING, NULL},
    {"input_layer_shape", "Input shapes", STRING, NULL},
    {"input_layer_value_files", "Input value files", STRING, NULL},
    {"output_filepath", "File path to export outputs layer to", STRING, NULL},
    {"use_cpu", NULL, BOOL, NULL}, /* from here LiteRT 2's */
    {"use_npu", NULL, BOOL, NULL},
    {"allow_fp16", NULL, BOOL, NULL},
    {"dispatch_library_path", NULL, STRING, NULL},
    {"compiler_plugin_library_path", NULL, STRING, NULL},
    {"compiler_cache_path", NULL, STRING, NULL},
};
enum { NUM_RUNS, MIN_SECS, MAX_SECS, NUM_THREADS, WARMUP_RUNS, WARMUP_MIN_SECS, GRAPH, USE_XNNPACK, REPORT_PEAK,
       REQUIRE_FULL, USE_GPU, GPU_BACKEND, RESULT_FILE, NODES_FILE, SERIALIZE_DIR, SERIALIZE_TOKEN, GPU_PRECISION_LOSS,
       USE_NNAPI, NNAPI_NAME, NNAPI_NO_CPU, NNAPI_FP16, USE_HEXAGON, HEXAGON_LIB, EXTERNAL_PATH, EXTERNAL_OPTIONS,
       INPUT_LAYER, INPUT_SHAPE, INPUT_FILES, OUTPUT_PATH, USE_CPU,
       USE_NPU, ALLOW_FP16, DISPATCH_PATH, COMPILER_PATH, COMPILER_CACHE, FLAGS };
static bool litert; /* whether it is LiteRT 2's tool */

static bool known(int flag) {
    if (litert) return flag != USE_XNNPACK && (flag < SERIALIZE_DIR || flag >= USE_CPU);
    return flag < USE_CPU;
}

static void say(FILE *stream, const char *level, const char *format, ...) {
    va_list arguments;
    fprintf(stream, "%s: ", level);
    va_start(arguments, format);
    vfprintf(stream, format, arguments);
    va_end(arguments);
    fputc('\n', stream);
    fflush(stream); /* the original ends every line with std::endl */
}
#define INFO(...) say(stdout, "INFO", __VA_ARGS__)
#define ERROR(...) say(stderr, "ERROR", __VA_ARGS__)
#include "benchmark_delegates.h"

static int64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool well_formed(const struct flag *flag, const char *text) {
    char *end = NULL;
    switch (flag->kind) {
    case STRING: return true;
    case BOOL: return !strcmp(text, "true") || !strcmp(text, "false") || !strcmp(text, "0") || !strcmp(text, "1");
    case INT: strtol(text, &end, 10); break;
    case FLOAT: strtod(text, &end); break;
    }
    return end != text && *end == '\0';
}

/* Only --name=value is a flag, and the first occurrence counts, as in the original; anything else is reported. */
static bool parse(int argc, char **argv) {
    bool good = true;
    char rest[4096] = "";
    for (int i = 1; i < argc; i++) {
        int found = -1;
        for (int f = 0; f < FLAGS && found < 0; f++) {
            size_t length = strlen(flags[f].name);
            if (known(f) && !strncmp(argv[i], "--", 2) && !strncmp(argv[i] + 2, flags[f].name, length) && argv[i][length + 2] == '=')
                found = f;
        }
        if (found < 0) {
            size_t used = strlen(rest);
            snprintf(rest + used, sizeof rest - used, "%s%s", used ? " " : "", argv[i]);
            continue;
        }
        const char *value = strchr(argv[i], '=') + 1;
        if (!well_formed(&flags[found], value)) {
            ERROR("Failed to parse flag '%s' against argv '%s'", flags[found].name, argv[i]);
            good = false;
        } else if (!flags[found].value) {
            flags[found].value = value;
        }
    }
    if (good && *rest) say(stdout, "WARN", "Unconsumed cmdline flags: %s", rest);
    if (!good) fprintf(stderr, "ERROR: usage: %s <flags>\nFlags:\n", argv[0]);
    for (int f = 0; !good && f < FLAGS; f++)
        if (known(f)) fprintf(stderr, "\t--%s=\tstring\toptional\t\n", flags[f].name);
    return good;
}

static double number(int flag, double otherwise) { return flags[flag].value ? strtod(flags[flag].value, NULL) : otherwise; }

static bool is_true(int flag) { return flags[flag].value && (!strcmp(flags[flag].value, "true") || !strcmp(flags[flag].value, "1")); }

static void log_parameters(void) {
    INFO("Log parameter values verbosely: [0]");
    for (int f = 0; f < FLAGS; f++) {
        if (!flags[f].value || !flags[f].title) continue;
        if (flags[f].kind == BOOL) INFO("%s: [%d]", flags[f].title, is_true(f));
        else if (flags[f].kind == STRING) INFO("%s: [%s]", flags[f].title, flags[f].value);
        else INFO("%s: [%g]", flags[f].title, number(f, 0));
    }
    INFO("Signature to run: []");
    if (flags[NUM_THREADS].value) INFO("#threads used for CPU inference: [%g]", number(NUM_THREADS, 0));
    if (flags[USE_XNNPACK].value) INFO("Use xnnpack: [%d]", is_true(USE_XNNPACK));
    char names[256];
    if (is_true(USE_NNAPI) && described("accelerators", names, sizeof names)) INFO("NNAPI accelerators available: [%s]", names);
}

static enum delegate requested(void) {
    if (is_true(USE_GPU)) return GPU;
    if (is_true(USE_NNAPI)) return NNAPI;
    if (is_true(USE_HEXAGON)) return HEXAGON;
    if (is_true(USE_NPU)) return NPU;
    return flags[EXTERNAL_PATH].value ? EXTERNAL : NO_DELEGATE;
}

/* Applies what computes; false where that fails. */
static bool apply(size_t size) {
    enum delegate delegate = requested();
    if (delegate != NO_DELEGATE) {
        const char *word = verdict(delegate, size), *file = flags[NODES_FILE].value;
        prepare_kernels(litert ? flags[COMPILER_CACHE].value : flags[SERIALIZE_DIR].value, flags[SERIALIZE_TOKEN].value);
        if (delegate == EXTERNAL && access(flags[EXTERNAL_PATH].value, R_OK)) {
            ERROR("Failed to apply EXTERNAL delegate."); /* the library is not there */
            return false;
        }
        if (litert) return compile_litert(delegate, word, !is_true(REQUIRE_FULL), file);
        return apply_tensorflow(delegate, word, is_true(REQUIRE_FULL), file);
    }
    if (litert) say(stderr, "VERBOSE", "Replacing %d out of %d node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 1 "
                    "partitions for subgraph 0 (main).", NODES, NODES);
    if (!flags[USE_XNNPACK].value || is_true(USE_XNNPACK)) {
        INFO("Created TensorFlow Lite XNNPACK delegate for CPU.");
        if (flags[USE_XNNPACK].value) {
            INFO("XNNPACK delegate created.");
            INFO("Explicitly applied XNNPACK delegate, and the model graph will be completely executed by the delegate.");
        }
    }
    return true;
}

/* The model's bytes, or NULL after saying why not. */
static uint8_t *load(const char *path, size_t *size) {
    struct stat status;
    int file = open(path, O_RDONLY);
    uint8_t *bytes = NULL;
    if (file < 0) {
        ERROR("Could not open '%s'.", path);
    } else if (fstat(file, &status) || !S_ISREG(status.st_mode) || status.st_size == 0) {
        ERROR("Mmap of '%d' at offset '0' failed with error '%d'.", file, EINVAL);
    } else if ((bytes = malloc((size_t)status.st_size)) != NULL) {
        size_t done = 0;
        ssize_t part = 1;
        *size = (size_t)status.st_size;
        while (done < *size && (part = read(file, bytes + done, *size - done)) > 0) done += (size_t)part;
        uint32_t root = 0;
        if (*size >= 8) memcpy(&root, bytes, 4);
        if (done < *size) {
            ERROR("Could not read '%s'.", path);
        } else if (*size < 8 || memcmp(bytes + 4, "TFL3", 4)) {
            if (*size >= 8) ERROR("Model provided has model identifier '%.4s', should be 'TFL3'\n", (char *)bytes + 4);
            else ERROR("The model is not a valid Flatbuffer buffer");
        } else if (root < 8 || root >= *size) { /* a file cut short, or padded with zeros */
            ERROR("The model is not a valid Flatbuffer buffer");
        } else {
            close(file);
            return bytes;
        }
    }
    free(bytes);
    if (file >= 0) close(file);
    ERROR("Failed to load model %s", path);
    return NULL;
}

/* Kernel: rows of the file's bytes times a fixed matrix. Each thread takes every n-th row. */
struct share {
    const uint8_t *bytes;
    size_t size;
    int rows, first, step;
    float result;
};
static float matrix[WIDTH][WIDTH];

static void *multiply(void *argument) {
    struct share *share = argument;
    share->result = 0;
    for (int row = share->first; row < share->rows; row += share->step) {
        float out[WIDTH] = {0};
        for (size_t k = 0; k < WIDTH; k++) {
            float in = share->bytes[((size_t)row * BYTES_PER_ROW + k) % share->size];
            for (int column = 0; column < WIDTH; column++) out[column] += in * matrix[k][column];
        }
        for (int column = 0; column < WIDTH; column++) share->result += out[column];
    }
    return NULL;
}

static volatile float result; /* kept, so that the compiler cannot leave the work out */

static void invoke(const uint8_t *bytes, size_t size, int threads) {
    struct share shares[MAX_THREADS];
    pthread_t ids[MAX_THREADS];
    for (int t = 0; t < threads; t++) shares[t] = (struct share){bytes, size, 16 + (int)(size / BYTES_PER_ROW), t, threads, 0};
    for (int t = 1; t < threads; t++)
        if (pthread_create(&ids[t], NULL, multiply, &shares[t])) abort();
    multiply(&shares[0]);
    for (int t = 1; t < threads; t++) pthread_join(ids[t], NULL);
    for (int t = 0; t < threads; t++) result = shares[t].result;
}

/* As tensorflow::Stat<int64_t>: whole microseconds; the standard deviation is cut to a whole number too. */
struct series {
    int64_t count, first, newest, min, max;
    double sum, squares;
};

static double average(const struct series *stat) { return stat->count ? stat->sum / (double)stat->count : NAN; }

static struct series run(int min_runs, double min_s, double max_s, const uint8_t *bytes, size_t size, int threads) {
    struct series stat = {0};
    INFO("Running benchmark for at least %d iterations and at least %g seconds but terminate if exceeding %g seconds.",
         min_runs, min_s, max_s);
    int64_t begin = now_us(), now = begin;
    for (int i = 0; (i < min_runs || now - begin < min_s * 1e6) && now - begin <= max_s * 1e6; i++) {
        int64_t start = now_us();
        invoke(bytes, size, threads);
        int64_t took = now_us() - start;
        if (!stat.count) stat.first = stat.min = stat.max = took;
        if (took < stat.min) stat.min = took;
        if (took > stat.max) stat.max = took;
        stat.newest = took;
        stat.sum += (double)took;
        stat.squares += (double)took * (double)took;
        stat.count++;
        now = now_us();
    }
    if (!stat.count) {
        INFO("count=0\n");
    } else if (stat.min == stat.max) {
        INFO("count=%lld curr=%lld%s\n", (long long)stat.count, (long long)stat.newest, stat.count > 1 ? "(all same)" : "");
    } else {
        double mean = average(&stat), variance = stat.squares / (double)stat.count - mean * mean;
        INFO("count=%lld first=%lld curr=%lld min=%lld max=%lld avg=%g std=%lld\n", (long long)stat.count,
             (long long)stat.first, (long long)stat.newest, (long long)stat.min, (long long)stat.max, mean,
             (long long)sqrt(variance > 0 ? variance : 0));
    }
    return stat;
}

static void write_results(int64_t init_us, const struct series *warmup, const struct series *runs) {
    const char *at = "[./litert/tools/benchmark_litert_model.h:", *path = flags[RESULT_FILE].value;
    if (litert) {
        say(stderr, "INFO", "%s72] \n========== BENCHMARK RESULTS ==========", at);
        say(stderr, "INFO", "%s75] Model initialization: %.2f ms", at, (double)init_us / 1e3);
        say(stderr, "INFO", "%s76] Warmup (first):       %.2f ms", at, (double)warmup->first / 1e3);
        say(stderr, "INFO", "%s77] Warmup (avg):         %.2f ms (%lld runs)", at, average(warmup) / 1e3, (long long)warmup->count);
        say(stderr, "INFO", "%s78] Inference (avg):      %.2f ms (%lld runs)", at, average(runs) / 1e3, (long long)runs->count);
        say(stderr, "INFO", "%s79] Inference (min):      %.2f ms", at, (double)runs->min / 1e3);
        say(stderr, "INFO", "%s80] Inference (max):      %.2f ms", at, (double)runs->max / 1e3);
    }
    FILE *file = path && *path ? fopen(path, "wb") : NULL;
    if (!file) return;
    char *part = NULL;
    size_t size = 0;
    FILE *latency = open_memstream(&part, &size);
    double ms[] = {average(runs), (double)runs->min, (double)runs->max, 0, 0, 0, 0, (double)init_us, (double)warmup->first};
    for (unsigned k = 0; k < sizeof ms / sizeof *ms; k++) put_float(latency, k + 1, ms[k] / 1e3);
    fclose(latency);
    put_bytes(file, 2, part, size);
    free(part);
    FILE *misc = open_memstream(&part, &size);
    put_whole(misc, 2, (unsigned)runs->count);
    put_whole(misc, 3, (unsigned)warmup->count);
    fclose(misc);
    put_bytes(file, 4, part, size);
    free(part);
    fclose(file);
}

/* Outputs that are a function of the inputs: with a delegate as the phone's file says: numbers right, wrong, zeros, nan. */
static void write_outputs(void) {
    const char *path = flags[OUTPUT_PATH].value, *input = flags[INPUT_FILES].value;
    FILE *out = path && *path ? fopen(path, "wb") : NULL, *in = NULL;
    if (out && input && (input = strchr(input, ':'))) in = fopen(input + 1, "rb");
    bool other = requested() != NO_DELEGATE;
    float value, factor = !other ? 1.0F : is("numbers", "wrong") ? 1.1F : is("numbers", "zeros") ? 0.0F : 1.00001F;
    for (int i = 0; in && i < 4096 && fread(&value, sizeof value, 1, in) == 1; i++) {
        value = other && is("numbers", "nan") ? NAN : value * factor;
        fwrite(&value, sizeof value, 1, out);
    }
    if (in) fclose(in);
    if (out) fclose(out);
}

static double resident_mb(void) {
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file) {
        if (fscanf(file, "%ld %ld", &pages, &resident) != 2) resident = 0;
        fclose(file);
    }
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1048576.0;
}

static int fail(void) {
    ERROR("Benchmarking failed.");
    return EXIT_FAILURE;
}

int main(int argc, char **argv) {
    litert = is("tool", "litert");
    INFO("STARTING!");
    if (!parse(argc, argv)) return fail();
    if (!flags[GRAPH].value || !*flags[GRAPH].value) {
        ERROR("Please specify the name of your TF Lite input file with --graph");
        return fail();
    }
    log_parameters();
    const char *path = flags[GRAPH].value;
    double before_mb = resident_mb();
    int64_t begin = now_us();
    size_t size = 0;
    uint8_t *bytes = load(path, &size);
    if (!bytes) return fail();
    if (litert) say(stderr, "INFO", "[litert/tools/benchmark_litert_model.cc:137] Loading model from: %s", path);
    else INFO("Loaded model %s", path);
    if (!apply(size)) return fail();
    for (int k = 0; k < WIDTH; k++)
        for (int column = 0; column < WIDTH; column++) matrix[k][column] = (float)((k * 31 + column * 17) % 13) / 13.0f;
    int threads = (int)number(NUM_THREADS, 1);
    threads = threads < 1 ? 1 : threads > MAX_THREADS ? MAX_THREADS : threads;
    int64_t init_us = now_us() - begin;
    double init_mb = resident_mb() - before_mb, max_s = number(MAX_SECS, 150);
    INFO("The input model file size (MB): %g", (double)size / 1e6);
    INFO("Initialized session in %gms.", (double)init_us / 1e3);
    struct series warmup = run((int)number(WARMUP_RUNS, 1), number(WARMUP_MIN_SECS, 0.5), max_s, bytes, size, threads);
    struct series runs = run((int)number(NUM_RUNS, 50), number(MIN_SECS, 1), max_s, bytes, size, threads);
    write_results(init_us, &warmup, &runs);
    write_outputs();
    if (!litert) INFO("Inference timings in us: Init: %lld, First inference: %lld, Warmup (avg): %g, Inference (avg): %g",
         (long long)init_us, (long long)warmup.first, average(&warmup), average(&runs));
    INFO("Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE to the actual "
         "memory footprint of the model at runtime. Take the information at your discretion.");
    INFO("Memory footprint delta from the start of the tool (MB): init=%g overall=%g", init_mb, resident_mb() - before_mb);
    if (is_true(REPORT_PEAK)) INFO("Overall peak memory footprint (MB) via periodic monitoring: %g", resident_mb());
    free(bytes);
    return EXIT_SUCCESS;
}
