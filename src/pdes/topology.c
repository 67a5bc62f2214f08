#define _GNU_SOURCE /* sched_getaffinity */

#include "pdes/topology.h"

#include "base/mem.h"

#include <hwloc.h>
#include <sched.h>

struct topology {
    hwloc_topology_t hwloc;
    hwloc_cpuset_t usable; /* units that the creating thread may run on */
    hwloc_cpuset_t *places;
    uint32_t n_places;
};

uint32_t topology_usable_units(void)
{
    enum { MAX_UNITS = 16384 };
    cpu_set_t *set = CPU_ALLOC(MAX_UNITS);
    const size_t bytes = CPU_ALLOC_SIZE(MAX_UNITS);
    uint32_t n = 1;
    if (set && sched_getaffinity(0, bytes, set) == 0) {
        n = (uint32_t)CPU_COUNT_S(bytes, set);
    }
    CPU_FREE(set);
    return n ? n : 1;
}

struct topology *topology_create(void)
{
    struct topology *topology = mem_zalloc(sizeof *topology);
    if (hwloc_topology_init(&topology->hwloc) != 0) {
        mem_free(topology);
        return NULL;
    }
    topology->usable = hwloc_bitmap_alloc();
    if (hwloc_topology_load(topology->hwloc) != 0 ||
        hwloc_get_cpubind(topology->hwloc, topology->usable, HWLOC_CPUBIND_THREAD) != 0) {
        topology_destroy(topology);
        return NULL;
    }
    hwloc_bitmap_and(topology->usable, topology->usable, hwloc_topology_get_topology_cpuset(topology->hwloc));
    return topology;
}

static void free_places(struct topology *topology)
{
    for (uint32_t i = 0; i < topology->n_places; i++) {
        hwloc_bitmap_free(topology->places[i]);
    }
    mem_free(topology->places);
    topology->places = NULL;
    topology->n_places = 0;
}

void topology_destroy(struct topology *topology)
{
    if (!topology) {
        return;
    }
    free_places(topology);
    hwloc_bitmap_free(topology->usable);
    hwloc_topology_destroy(topology->hwloc);
    mem_free(topology);
}

static uint32_t count_usable(const struct topology *topology, hwloc_obj_type_t type)
{
    uint32_t n = 0;
    for (hwloc_obj_t object = NULL; (object = hwloc_get_next_obj_by_type(topology->hwloc, type, object));) {
        n += hwloc_bitmap_intersects(object->cpuset, topology->usable);
    }
    return n;
}

/* The i-th object of a type that has usable units; there must be one. */
static hwloc_obj_t usable_object(const struct topology *topology, hwloc_obj_type_t type, uint32_t i)
{
    hwloc_obj_t object = NULL;
    while ((object = hwloc_get_next_obj_by_type(topology->hwloc, type, object))) {
        if (hwloc_bitmap_intersects(object->cpuset, topology->usable) && i-- == 0) {
            break;
        }
    }
    return object;
}

/* The NUMA node that covers an object: nodes hang beside the tree of caches and cores, on an ancestor. */
static hwloc_obj_t node_of(const struct topology *topology, hwloc_obj_t object)
{
    hwloc_obj_t node = NULL;
    while ((node = hwloc_get_next_obj_by_type(topology->hwloc, HWLOC_OBJ_NUMANODE, node))) {
        if (hwloc_bitmap_isincluded(object->cpuset, node->cpuset)) {
            break;
        }
    }
    return node;
}

bool topology_place(struct topology *topology, uint32_t n_threads, bool by_node)
{
    free_places(topology);
    hwloc_obj_type_t type = HWLOC_OBJ_CORE;
    uint32_t available = count_usable(topology, type);
    if (available < n_threads) { /* also where hwloc knows of no cores */
        type = HWLOC_OBJ_PU;
        available = count_usable(topology, type);
    }
    if (available == 0 || (available < n_threads && !by_node)) {
        return false;
    }
    topology->places = mem_alloc(n_threads * sizeof(hwloc_cpuset_t));
    topology->n_places = n_threads;
    for (uint32_t i = 0; i < n_threads; i++) {
        const uint32_t rank = available < n_threads ? (uint32_t)((uint64_t)i * available / n_threads) : i;
        hwloc_obj_t object = usable_object(topology, type, rank);
        hwloc_obj_t node = by_node ? node_of(topology, object) : NULL;
        topology->places[i] = hwloc_bitmap_dup(node ? node->cpuset : object->cpuset);
        hwloc_bitmap_and(topology->places[i], topology->places[i], topology->usable);
    }
    return true;
}

bool topology_bind(const struct topology *topology, uint32_t thread)
{
    return hwloc_set_cpubind(topology->hwloc, topology->places[thread], HWLOC_CPUBIND_THREAD) == 0;
}

bool topology_unbind(const struct topology *topology)
{
    return hwloc_set_cpubind(topology->hwloc, topology->usable, HWLOC_CPUBIND_THREAD) == 0;
}
