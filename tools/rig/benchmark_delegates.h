/* What the stand-in for benchmark_model says and does when a delegate is asked for, in the words of TensorFlow's tool
 * and of LiteRT 2's. The file that $RIG_DELEGATES names, else /rig/delegates, describes the phone:
 *
 *     tool litert          it is LiteRT 2's tool; else TensorFlow's
 *     gpu complete         also nnapi, hexagon, external, npu: complete, partial, none or failed
 *     gpu partial 2000     partial for models of more bytes, complete for others
 *     adapter NAME         a GPU that names itself, with one word; "waits no" is an older LiteRT 2, which does not wait
 *     accelerators a,b     of NNAPI
 *     numbers wrong        outputs that are not the CPU's: wrong, zeros, nan
 *
 * A delegate that the file does not list is absent. Nothing is really delegated: the kernel is that of the CPU. */

enum delegate { GPU, NNAPI, HEXAGON, EXTERNAL, NPU, NO_DELEGATE };
enum { NODES = 5, TAKEN = 3 };
static const char *const KEYS[] = {"gpu", "nnapi", "hexagon", "external", "npu"};
static const char *const TITLES[] = {"GPU", "NNAPI", "Hexagon", "EXTERNAL", "NPU"};
static const char *const KERNELS[] = {"TfLiteGpuDelegateV2", "TfLiteNnapiDelegate", "TfLiteHexagonDelegate",
                                      "TfLiteQnnDelegate", "DispatchDelegate"};
static const char *const LEFT[] = {"UNPACK", "GATHER"};

/* The words behind a key of the phone's file; false where it has none. */
static bool described(const char *key, char *words, size_t size) {
    const char *path = getenv("RIG_DELEGATES");
    FILE *file = fopen(path ? path : "/rig/delegates", "r");
    char line[256];
    bool found = false;
    size_t length = strlen(key);
    while (file && !found && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = '\0';
        found = !strncmp(line, key, length) && line[length] == ' ';
        if (found) snprintf(words, size, "%s", line + length + 1);
    }
    if (file) fclose(file);
    return found;
}

static bool is(const char *key, const char *word) {
    char words[256];
    return described(key, words, sizeof words) && !strcmp(words, word);
}

/* 'complete', 'partial', 'none', 'failed' or 'absent'. */
static const char *verdict(enum delegate delegate, size_t size) {
    static char words[256];
    if (!described(KEYS[delegate], words, sizeof words)) return "absent";
    char *limit = strchr(words, ' ');
    if (limit) {
        *limit = '\0';
        if (size <= strtoul(limit + 1, NULL, 10)) return "complete";
    }
    return words;
}

static void varint(FILE *file, unsigned value) {
    for (; value > 127; value >>= 7) fputc((int)(value & 127) | 128, file);
    fputc((int)value, file);
}

static void put_bytes(FILE *file, unsigned field, const char *bytes, size_t size) {
    varint(file, field << 3 | 2);
    varint(file, (unsigned)size);
    fwrite(bytes, 1, size, file);
}

static void put_float(FILE *file, unsigned field, double value) {
    float single = (float)value;
    varint(file, field << 3 | 5);
    fwrite(&single, 1, sizeof single, file);
}

static void put_whole(FILE *file, unsigned field, unsigned value) {
    varint(file, field << 3);
    varint(file, value);
}

/* The file of --model_runtime_info_output_file: NODES operators, of which the delegate replaces the first ones. */
static void write_nodes(const char *path, const char *name, unsigned nodes, unsigned taken) {
    char *graph = NULL, *part = NULL;
    size_t graph_size = 0, size = 0;
    FILE *out = path && *path ? fopen(path, "wb") : NULL;
    if (!out) return;
    FILE *subgraph = open_memstream(&graph, &graph_size);
    for (unsigned i = 0; i < nodes + (taken > 0); i++) {
        FILE *node = open_memstream(&part, &size);
        put_whole(node, 1, i);
        const char *type = i == nodes ? "DELEGATE" : i < taken ? "CONV_2D" : LEFT[i % 2];
        put_bytes(node, 3, type, strlen(type));
        if (i == nodes) { /* DelegateNodeDetails: name, ids of at most 127 nodes */
            char details[256] = {10}, *at = details + 2;
            details[1] = (char)strlen(name);
            at = stpcpy(at, name);
            *at++ = 18;
            *at++ = (char)taken;
            for (unsigned k = 0; k < taken; k++) *at++ = (char)k;
            put_bytes(node, 8, details, (size_t)(at - details));
        }
        fclose(node);
        put_bytes(subgraph, 3, part, size);
        free(part);
    }
    put_whole(subgraph, 5, 1);
    fclose(subgraph);
    put_bytes(out, 2, graph, graph_size);
    fclose(out);
    free(graph);
}

static void say_unsupported(const char *verdict_word) {
    if (!strcmp(verdict_word, "none")) {
        fprintf(stderr, "No operations will run on the GPU, and all %d operations will run on the CPU.\n", NODES);
        return;
    }
    ERROR("Following operations are not supported by GPU delegate:");
    fprintf(stderr, "UNPACK: Operation is not supported.\nGATHER: Only 1D indices are supported.\n");
    fprintf(stderr, "%d operations will run on the GPU, and the remaining %d operations will run on the CPU.\n", TAKEN,
            NODES - TAKEN);
}

/* TensorFlow's tool applies a delegate; false where it fails then. */
static bool apply_tensorflow(enum delegate delegate, const char *word, bool whole, const char *nodes_file) {
    const char *title = TITLES[delegate];
    unsigned taken = !strcmp(word, "complete") ? NODES : !strcmp(word, "partial") ? TAKEN : 0;
    if (!strcmp(word, "absent")) {
        if (delegate == HEXAGON)
            say(stdout, "WARN", "Could not create Hexagon delegate: platform may not support delegate or required "
                                "libraries are missing");
        else say(stdout, "WARN", "%s acceleration is unsupported on this platform.", title);
        return true;
    }
    INFO("%s delegate created.", title);
    if (delegate == GPU && taken < NODES && strcmp(word, "failed")) say_unsupported(word);
    if (delegate == HEXAGON || delegate == EXTERNAL)
        INFO("%s delegate: %u nodes delegated out of %d nodes with %d partitions.\n", KERNELS[delegate],
             !strcmp(word, "failed") ? NODES : taken, NODES, taken > 0);
    if (!strcmp(word, "failed")) {
        if (delegate == GPU) ERROR("TfLiteGpuDelegate Init: OpenGL-based API disabled");
        ERROR("Node number %d (%s) failed to prepare.", NODES, KERNELS[delegate]);
        ERROR("Restored original execution plan after delegate application failure.");
        ERROR("Failed to apply %s delegate.", title);
        return false;
    }
    if (delegate == GPU && taken) INFO("Initialized OpenCL-based API.");
    if (taken)
        say(stderr, "VERBOSE", "Replacing %u out of %d node(s) with delegate (%s) node, yielding %d partitions for the "
            "whole graph.", taken, NODES, KERNELS[delegate], taken == NODES ? 1 : 3);
    if (whole && taken < NODES) {
        ERROR("Disallowed CPU fallback detected.");
        return false;
    }
    if (taken == NODES)
        INFO("Explicitly applied %s delegate, and the model graph will be completely executed by the delegate.", title);
    else if (taken)
        INFO("Explicitly applied %s delegate, and the model graph will be partially executed by the delegate w/ 2 "
             "delegate kernels.", title);
    else
        INFO("Though %s delegate is explicitly applied, the model graph will not be executed by the delegate.", title);
    write_nodes(nodes_file, KERNELS[delegate], NODES, taken);
    return true;
}

/* LiteRT 2's tool compiles a model for an accelerator; false where it fails then. */
static bool compile_litert(enum delegate delegate, const char *word, bool cpu, const char *nodes_file) {
    unsigned taken = !strcmp(word, "complete") ? NODES : !strcmp(word, "partial") ? TAKEN : 0;
    char adapter[256];
    if (delegate == GPU && strcmp(word, "absent")) {
        bool named = described("adapter", adapter, sizeof adapter);
        if (!is("waits", "no")) fprintf(stderr, "I0000 00:00:1795974430.849290 1 delegate_webgpu.cc:692] Benchmark mode is enabled.\n");
        if (named) fprintf(stderr, "I0000 00:00:1795974430.874736 1 environment.cc:532] Selected adapter: %s\n", adapter);
        if (taken < NODES) say_unsupported(word);
    }
    if (delegate == NPU && strcmp(word, "absent")) {
        unsigned selected = !strcmp(word, "partial") ? TAKEN : NODES;
        say(stderr, "INFO", "[compiler_plugin.cc:742] Partitioned subgraph<0>, selected %u ops, from a total of %d ops. "
            "resulted in %d partitions.", selected, NODES, selected == NODES ? 1 : 2);
        say(stderr, "INFO", "[compiled_model.cc:1397] %d compiler plugins were applied successfully: %s", taken > 0,
            taken ? "Some compiler plugin (ver 0.1.0)" : "");
    }
    if (!strcmp(word, "failed") || !strcmp(word, "absent") || (!cpu && taken < NODES)) {
        if (delegate == GPU && taken && taken < NODES)
            say(stderr, "ERROR", "[./litert/cc/litert_compiled_model.h:1961]\n Some ops are not accelerated. Add "
                "kLiteRtHwAcceleratorCpu to the compilation accelerator set to allow using the CPU.");
        ERROR("Failed to compile model.");
        return false;
    }
    if (delegate == NPU && taken)
        say(stderr, "VERBOSE", "Replacing %d out of %d node(s) with delegate (DispatchDelegate) node, yielding %d "
            "partitions for subgraph 0 (main).", taken == NODES ? 1 : 2, taken == NODES ? 1 : 3, taken == NODES ? 1 : 3);
    write_nodes(nodes_file, delegate == GPU ? "LITERT_WEBGPU" : KERNELS[NPU], delegate == NPU ? 1 : NODES,
                delegate == NPU ? taken > 0 : taken);
    if (taken < NODES) {
        INFO("Created TensorFlow Lite XNNPACK delegate for CPU.");
        say(stderr, "VERBOSE", "Replacing %u out of %d node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 2 "
            "partitions for subgraph 0 (main).", NODES - taken, NODES);
    }
    return true;
}

/* A delegate that keeps what it compiled: the second time is faster. */
static void prepare_kernels(const char *folder, const char *token) {
    char path[512];
    if (folder && *folder) {
        snprintf(path, sizeof path, "%s/%s.bin", folder, token && *token ? token : "model");
        if (access(path, F_OK) == 0) return;
        FILE *file = fopen(path, "w");
        if (file) fclose(file);
    }
    usleep(40000);
}
