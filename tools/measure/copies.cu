// Copy, memory-bandwidth and launch costs of one GPU and its host link, as CSV rows on stdout.
//
//   nvcc -O3 -std=c++17 -gencode=arch=compute_90,code=sm_90 copies.cu -o copies && ./copies > rows.csv
//
// Columns: kind,direction,method,size_bytes,count,issue_us,time_us,best_us,gbps
//   issue_us  host time per enqueued operation (time inside the calls / number of operations)
//   time_us   median time of the whole group; host wall clock from the first call until a stream synchronise
//             returns, except kinds hbm, d2d and interference, which are timed with device events
//   gbps      size_bytes * count / time_us, per direction (kinds hbm/copy and d2d count bytes read plus bytes written)
// Host buffers are pinned. Copies walk through buffers of 1 GiB, so that caches on either side do not serve repeats
// of small copies (a 1 GiB walk is 20 times the L2 of an H100).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include <cuda_runtime.h>

#define CK(call)                                                                                                       \
    do {                                                                                                               \
        cudaError_t err_ = (call);                                                                                     \
        if (err_ != cudaSuccess) {                                                                                     \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, cudaGetErrorString(err_));                   \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static const size_t KIB = 1024, MIB = KIB * 1024, GIB = MIB * 1024;
static const size_t WALK = 1 * GIB; // span that repeated copies walk through

enum direction { H2D, D2H };
static const char *direction_name(int d)
{
    return d == H2D ? "h2d" : "d2h";
}

struct buffers {
    char *host[2];   // pinned, WALK bytes each, one per direction
    char *device[2]; // same
    cudaStream_t stream[2];
    cudaStream_t work;
    cudaEvent_t ev[2];
};

static double now_us()
{
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static double median(std::vector<double> v)
{
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

static double best(const std::vector<double> &v)
{
    return *std::min_element(v.begin(), v.end());
}

static void row(const char *kind, const char *dir, const char *method, size_t size, size_t count, double issue_us,
                const std::vector<double> &times_us, double bytes)
{
    double time_us = median(times_us);
    printf("%s,%s,%s,%zu,%zu,%.3f,%.3f,%.3f,%.3f\n", kind, dir, method, size, count, issue_us, time_us, best(times_us),
           bytes / time_us * 1e-3);
    fflush(stdout);
}

static void copy_async(buffers &b, int d, size_t offset, size_t size, cudaStream_t s)
{
    if (d == H2D)
        CK(cudaMemcpyAsync(b.device[d] + offset, b.host[d] + offset, size, cudaMemcpyHostToDevice, s));
    else
        CK(cudaMemcpyAsync(b.host[d] + offset, b.device[d] + offset, size, cudaMemcpyDeviceToHost, s));
}

// One copy at a time: call to completion, as a host thread sees it.
static void measure_single(buffers &b)
{
    for (int d = 0; d < 2; d++) {
        size_t offset = 0;
        for (size_t size = 4; size <= GIB; size *= size < 4 * KIB ? 8 : 4) {
            int reps = size <= MIB ? 200 : size <= 64 * MIB ? 40 : 20;
            std::vector<double> issue, total;
            for (int r = 0; r < reps + 3; r++) {
                size_t step = std::max(size, 4 * KIB);
                if (offset + size > WALK)
                    offset = 0;
                double t0 = now_us();
                copy_async(b, d, offset, size, b.stream[d]);
                double t1 = now_us();
                CK(cudaStreamSynchronize(b.stream[d]));
                double t2 = now_us();
                offset += step;
                if (r >= 3) {
                    issue.push_back(t1 - t0);
                    total.push_back(t2 - t0);
                }
            }
            row("single", direction_name(d), "cudaMemcpyAsync", size, 1, median(issue), total, (double)size);
        }
    }
}

// Both directions at once on two streams; per-direction rate while both are busy (equal amounts start together).
static void measure_duplex(buffers &b)
{
    const size_t sizes[] = {256 * KIB, MIB, 16 * MIB, 256 * MIB};
    for (size_t size : sizes) {
        size_t count = std::min<size_t>(WALK / size, 1024);
        std::vector<double> total[3];
        for (int mode = 0; mode < 3; mode++) // 0: h2d alone, 1: d2h alone, 2: both
            for (int r = 0; r < 22; r++) {
                CK(cudaDeviceSynchronize());
                double t0 = now_us();
                for (size_t i = 0; i < count; i++)
                    for (int d = 0; d < 2; d++)
                        if (mode == 2 || mode == d)
                            copy_async(b, d, i * size, size, b.stream[d]);
                CK(cudaDeviceSynchronize());
                if (r >= 2)
                    total[mode].push_back(now_us() - t0);
            }
        row("stream", "h2d", "cudaMemcpyAsync", size, count, 0, total[0], (double)size * count);
        row("stream", "d2h", "cudaMemcpyAsync", size, count, 0, total[1], (double)size * count);
        row("duplex", "each", "cudaMemcpyAsync", size, count, 0, total[2], (double)size * count);
    }
}

// The C++ runtime headers changed the constness of the batch call's pointer arguments between releases.
struct any_pointer {
    void *p;
    template <class T> operator T *() const { return (T *)p; }
};

static bool batch_copy(std::vector<void *> &dst, std::vector<void *> &src, std::vector<size_t> &sizes, cudaStream_t s)
{
#ifndef NO_BATCH_API
    cudaMemcpyAttributes attr = {};
    attr.srcAccessOrder = cudaMemcpySrcAccessOrderStream;
    size_t index = 0;
    CK(cudaMemcpyBatchAsync(any_pointer{dst.data()}, any_pointer{src.data()}, any_pointer{sizes.data()}, dst.size(),
                            &attr, &index, 1, s));
    return true;
#else
    (void)dst, (void)src, (void)sizes, (void)s;
    return false;
#endif
}

// Gather/scatter by SM loads and stores straight over the link: one launch for the whole batch.
__global__ void copy_blocks(const uint4 *const *src, uint4 *const *dst, size_t vectors, int count)
{
    for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < vectors * count;
         i += (size_t)gridDim.x * blockDim.x) {
        size_t block = i / vectors, at = i % vectors;
        dst[block][at] = src[block][at];
    }
}

struct batch {
    std::vector<void *> dst, src;
    std::vector<size_t> sizes;
    void **dev_dst, **dev_src;
};

static void run_batch(buffers &b, batch &w, int d, int method, int ctas, cudaStream_t s)
{
    size_t n = w.dst.size();
    if (method == 0)
        for (size_t i = 0; i < n; i++)
            CK(cudaMemcpyAsync(w.dst[i], w.src[i], w.sizes[i],
                               d == H2D ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost, s));
    else if (method == 1)
        batch_copy(w.dst, w.src, w.sizes, s);
    else
        copy_blocks<<<ctas, 512, 0, s>>>((const uint4 *const *)w.dev_src, (uint4 *const *)w.dev_dst,
                                         w.sizes[0] / sizeof(uint4), (int)n);
    (void)b;
}

// Many blocks scattered over both sides (no two neighbours), the shape of KV-cache block traffic.
static void measure_batches(buffers &b)
{
    const size_t sizes[] = {4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB};
    const size_t counts[] = {16, 256, 1024};
    void **dev_dst, **dev_src;
    CK(cudaMalloc(&dev_dst, 1024 * sizeof(void *)));
    CK(cudaMalloc(&dev_src, 1024 * sizeof(void *)));
    for (int d = 0; d < 2; d++)
        for (size_t size : sizes)
            for (size_t count : counts) {
                if (2 * size * count > WALK)
                    continue;
                size_t slots = WALK / (2 * size); // every second slot: blocks are never adjacent
                size_t stride = slots / count * 2 * size;
                batch w;
                w.dev_dst = dev_dst;
                w.dev_src = dev_src;
                for (size_t i = 0; i < count; i++) {
                    size_t at_host = i * stride, at_dev = (count - 1 - i) * stride;
                    w.src.push_back(d == H2D ? b.host[d] + at_host : b.device[d] + at_dev);
                    w.dst.push_back(d == H2D ? b.device[d] + at_dev : b.host[d] + at_host);
                    w.sizes.push_back(size);
                }
                CK(cudaMemcpy(dev_dst, w.dst.data(), count * sizeof(void *), cudaMemcpyHostToDevice));
                CK(cudaMemcpy(dev_src, w.src.data(), count * sizeof(void *), cudaMemcpyHostToDevice));
                const struct {
                    int method, ctas;
                    const char *name;
                } ways[] = {{0, 0, "cudaMemcpyAsync"},
#ifndef NO_BATCH_API
                            {1, 0, "cudaMemcpyBatchAsync"},
#endif
                            {2, 8, "kernel_8_ctas"},
                            {2, 32, "kernel_32_ctas"},
                            {2, 132, "kernel_132_ctas"}};
                for (auto &way : ways) {
                    std::vector<double> issue, total;
                    for (int r = 0; r < 23; r++) {
                        double t0 = now_us();
                        run_batch(b, w, d, way.method, way.ctas, b.stream[d]);
                        double t1 = now_us();
                        CK(cudaStreamSynchronize(b.stream[d]));
                        double t2 = now_us();
                        if (r >= 3) {
                            issue.push_back((t1 - t0) / (double)count);
                            total.push_back(t2 - t0);
                        }
                    }
                    CK(cudaGetLastError());
                    row("batch", direction_name(d), way.name, size, count, median(issue), total, (double)size * count);
                }
            }
    CK(cudaFree(dev_dst));
    CK(cudaFree(dev_src));
}

__global__ void fill_random(unsigned *p, size_t n)
{
    for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < n; i += (size_t)gridDim.x * blockDim.x) {
        unsigned x = (unsigned)i * 2654435761u + 12345u; // any mixing will do: data must only not be constant
        x ^= x >> 16;
        x *= 2246822519u;
        x ^= x >> 13;
        p[i] = x;
    }
}

__device__ static uint4 mix(uint4 a, uint4 b)
{
    return make_uint4(a.x ^ b.x, a.y ^ b.y, a.z ^ b.z, a.w ^ b.w);
}

__global__ void stream_read(const uint4 *__restrict__ a, size_t n, uint4 *sink)
{
    uint4 sum = make_uint4(0, 0, 0, 0);
    size_t step = (size_t)gridDim.x * blockDim.x;
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    for (; i + 3 * step < n; i += 4 * step) {
        uint4 v0 = a[i], v1 = a[i + step], v2 = a[i + 2 * step], v3 = a[i + 3 * step];
        sum = mix(sum, mix(mix(v0, v1), mix(v2, v3)));
    }
    for (; i < n; i += step)
        sum = mix(sum, a[i]);
    if (sum.x == 0x12345678u && sum.y == 0x9abcdef0u && sum.z == sum.w)
        *sink = sum; // keeps the loads alive
}

__global__ void stream_write(uint4 *a, size_t n, unsigned seed)
{
    size_t step = (size_t)gridDim.x * blockDim.x;
    for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < n; i += step)
        a[i] = make_uint4((unsigned)i ^ seed, (unsigned)i * 7u, seed, (unsigned)i + seed);
}

__global__ void stream_copy(const uint4 *__restrict__ a, uint4 *__restrict__ c, size_t n)
{
    size_t step = (size_t)gridDim.x * blockDim.x;
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    for (; i + 3 * step < n; i += 4 * step) {
        uint4 v0 = a[i], v1 = a[i + step], v2 = a[i + 2 * step], v3 = a[i + 3 * step];
        c[i] = v0, c[i + step] = v1, c[i + 2 * step] = v2, c[i + 3 * step] = v3;
    }
    for (; i < n; i += step)
        c[i] = a[i];
}

template <class F> static std::vector<double> event_time_us(buffers &b, F enqueue, int reps)
{
    std::vector<double> times;
    for (int r = 0; r < reps + 3; r++) {
        CK(cudaEventRecord(b.ev[0], b.work));
        enqueue();
        CK(cudaEventRecord(b.ev[1], b.work));
        CK(cudaEventSynchronize(b.ev[1]));
        float ms;
        CK(cudaEventElapsedTime(&ms, b.ev[0], b.ev[1]));
        if (r >= 3)
            times.push_back((double)ms * 1e3);
    }
    CK(cudaGetLastError());
    return times;
}

static int sm_count()
{
    cudaDeviceProp prop;
    CK(cudaGetDeviceProperties(&prop, 0));
    return prop.multiProcessorCount;
}

static void measure_hbm(buffers &b)
{
    const size_t top = 4 * GIB;
    uint4 *a, *c;
    CK(cudaMalloc(&a, top));
    CK(cudaMalloc(&c, top));
    fill_random<<<1024, 256, 0, b.work>>>((unsigned *)a, top / 4);
    fill_random<<<1024, 256, 0, b.work>>>((unsigned *)c, top / 4);
    CK(cudaStreamSynchronize(b.work));
    int grid = sm_count() * 8;
    for (size_t size : {64 * MIB, 256 * MIB, GIB, top}) {
        size_t n = size / sizeof(uint4);
        std::vector<double> t = event_time_us(
            b, [&] { stream_read<<<grid, 256, 0, b.work>>>(a, n, c); }, 25);
        row("hbm", "read", "kernel", size, 1, 0, t, (double)size);
        t = event_time_us(
            b, [&] { stream_write<<<grid, 256, 0, b.work>>>(c, n, 7u); }, 25);
        row("hbm", "write", "kernel", size, 1, 0, t, (double)size);
        t = event_time_us(
            b, [&] { stream_copy<<<grid, 256, 0, b.work>>>(a, c, n); }, 25);
        row("hbm", "copy", "kernel", size, 1, 0, t, 2.0 * (double)size);
    }
    for (size_t size = 16 * KIB; size <= top; size *= 4) {
        size_t walk = 0; // small copies walk through 4 GiB, so that the L2 does not serve them
        std::vector<double> t = event_time_us(
            b,
            [&] {
                CK(cudaMemcpyAsync((char *)c + walk, (char *)a + walk, size, cudaMemcpyDeviceToDevice, b.work));
                walk = walk + 2 * size <= top ? walk + size : 0;
            },
            25);
        row("d2d", "copy", "cudaMemcpyAsync", size, 1, 0, t, 2.0 * (double)size);
    }
    CK(cudaFree(a));
    CK(cudaFree(c));
}

// What link copies take from a memory-bound kernel: the same 2 GiB read alone and under copies.
static void measure_interference(buffers &b)
{
    const size_t size = 2 * GIB;
    uint4 *a;
    CK(cudaMalloc(&a, size));
    fill_random<<<1024, 256, 0, b.work>>>((unsigned *)a, size / 4);
    CK(cudaStreamSynchronize(b.work));
    int grid = sm_count() * 8;
    const char *names[] = {"alone", "during_h2d", "during_d2h", "during_both"};
    for (int mode = 0; mode < 4; mode++) {
        for (int d = 0; d < 2; d++)
            if (mode & (d == H2D ? 1 : 2))
                for (int i = 0; i < 4; i++) // 4 GiB per direction: about 80 ms, longer than the reads below
                    for (size_t at = 0; at < WALK; at += 256 * MIB)
                        copy_async(b, d, at, 256 * MIB, b.stream[d]);
        std::vector<double> t = event_time_us(
            b, [&] { stream_read<<<grid, 256, 0, b.work>>>(a, size / sizeof(uint4), (uint4 *)b.device[0]); }, 20);
        bool busy =
            cudaStreamQuery(b.stream[0]) == cudaErrorNotReady || cudaStreamQuery(b.stream[1]) == cudaErrorNotReady;
        if (mode != 0 && !busy)
            fprintf(stderr, "interference %s: copies ended before the reads\n", names[mode]);
        row("interference", "read", names[mode], size, 1, 0, t, (double)size);
        CK(cudaDeviceSynchronize());
    }
    CK(cudaFree(a));
}

__global__ void empty_kernel() {}

static void measure_launch(buffers &b)
{
    const int n = 1000;
    std::vector<double> issue, total, one;
    for (int r = 0; r < 23; r++) {
        double t0 = now_us();
        for (int i = 0; i < n; i++)
            empty_kernel<<<1, 32, 0, b.work>>>();
        double t1 = now_us();
        CK(cudaStreamSynchronize(b.work));
        double t2 = now_us();
        empty_kernel<<<1, 32, 0, b.work>>>();
        CK(cudaStreamSynchronize(b.work));
        double t3 = now_us();
        if (r >= 3) {
            issue.push_back((t1 - t0) / n);
            total.push_back(t2 - t0);
            one.push_back(t3 - t2);
        }
    }
    row("launch", "", "stream_empty_kernels", 0, n, median(issue), total, 0);
    row("launch", "", "one_empty_kernel_and_sync", 0, 1, 0, one, 0);
    for (int nodes : {1, 100, 350, 1000}) {
        cudaGraph_t graph;
        cudaGraphExec_t exec;
        CK(cudaStreamBeginCapture(b.work, cudaStreamCaptureModeGlobal));
        for (int i = 0; i < nodes; i++)
            empty_kernel<<<1, 32, 0, b.work>>>();
        CK(cudaStreamEndCapture(b.work, &graph));
        CK(cudaGraphInstantiate(&exec, graph, 0));
        std::vector<double> launch, wall;
        for (int r = 0; r < 25; r++) {
            double t0 = now_us();
            CK(cudaGraphLaunch(exec, b.work));
            double t1 = now_us();
            CK(cudaStreamSynchronize(b.work));
            double t2 = now_us();
            if (r >= 3) {
                launch.push_back(t1 - t0);
                wall.push_back(t2 - t0);
            }
        }
        row("launch", "", "graph_of_empty_kernels", 0, (size_t)nodes, median(launch), wall, 0);
        CK(cudaGraphExecDestroy(exec));
        CK(cudaGraphDestroy(graph));
    }
}

int main()
{
    buffers b;
    CK(cudaSetDevice(0));
    for (int d = 0; d < 2; d++) {
        CK(cudaMallocHost(&b.host[d], WALK));
        CK(cudaMalloc(&b.device[d], WALK));
        unsigned x = 1u + (unsigned)d;
        for (size_t i = 0; i < WALK / 4; i++)
            ((unsigned *)b.host[d])[i] = x = x * 1664525u + 1013904223u;
        CK(cudaMemcpy(b.device[d], b.host[d], WALK, cudaMemcpyHostToDevice));
        CK(cudaStreamCreateWithFlags(&b.stream[d], cudaStreamNonBlocking));
        CK(cudaEventCreate(&b.ev[d]));
    }
    CK(cudaStreamCreateWithFlags(&b.work, cudaStreamNonBlocking));
    measure_launch(b);
    measure_hbm(b);
    measure_single(b);
    measure_duplex(b);
    measure_interference(b);
    measure_batches(b);
    return 0;
}
