"""Section copies: builds and runs copies.cu."""
import os
import subprocess
import tempfile

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "copies.cu")


def build(log):
    program = os.path.join(tempfile.mkdtemp(), "copies")
    command = ["nvcc", "-O3", "-std=c++17", "-gencode=arch=compute_90,code=sm_90", SOURCE, "-o", program]
    for extra in ([], ["-DNO_BATCH_API"]):
        done = subprocess.run(command + extra, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return program
        log("nvcc: " + done.stderr[:1500])
    raise RuntimeError("copies.cu does not compile")


def measure(ctx, log):
    ctx.free_pool()
    program = build(log)
    path = os.path.join(ctx.out, "copies.csv")
    with open(path, "w") as out:
        for line in ctx.machine + [
                "host buffers pinned; a virtual machine with the GPU passed through",
                "issue_us: host time per enqueued operation; time_us: median time of the whole group, host wall clock "
                "from the first call until a synchronise returns, except hbm, d2d and interference (device events)",
                "gbps: size_bytes * count / time_us per direction; hbm copy and d2d count bytes read plus written",
                "20 repeats and more; copies walk through 1 GiB (d2d 4 GiB); batch rows repeat over the same blocks"]:
            out.write("# " + line + "\n")
        out.write("kind,direction,method,size_bytes,count,issue_us,time_us,best_us,gbps\n")
        out.flush()
        done = subprocess.run([program], stdout=out, stderr=subprocess.PIPE, text=True,
                              timeout=max(30, ctx.clock.left()), check=False)
    log(f"copies: exit {done.returncode} {done.stderr[-500:]}")
    with open(path) as rows:
        for line in rows:
            if line.startswith(("launch", "duplex", "interference", "single,h2d")) or ",1073741824,1," in line:
                log("copies " + line.strip())
