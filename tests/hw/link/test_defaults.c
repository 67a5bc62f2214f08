#include "support/support.h"

#include "hw/link/defaults.h"

static void pcie_follows_generation_and_lanes(void **state)
{
    (void)state;
    assert_in_range(link_defaults(4, 16, 0).pcie_up, UINT64_C(27100000000), UINT64_C(27300000000));
    assert_in_range(link_defaults(5, 16, 0).pcie_up, UINT64_C(54300000000), UINT64_C(54500000000));
    assert_in_range(link_defaults(6, 16, 0).pcie_up, UINT64_C(105000000000), UINT64_C(110000000000));
    for (uint32_t gen = 2; gen <= 8; gen++) {
        const struct link_constants before = link_defaults(gen - 1, 16, 0);
        const struct link_constants links = link_defaults(gen, 8, 0);
        assert_true(links.pcie_down >= before.pcie_down * 98 / 100 && links.nvme_read >= before.nvme_read);
        assert_true(links.host_memory >= before.host_memory && links.nic >= before.nic);
    }
}

static void peers_meet_over_pcie_without_a_link(void **state)
{
    (void)state;
    const struct link_constants links = link_defaults(4, 16, 0);
    assert_int_equal(links.peer, links.pcie_up);
    assert_int_equal(link_defaults(4, 16, 300).peer, UINT64_C(240000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pcie_follows_generation_and_lanes),
                                       cmocka_unit_test(peers_meet_over_pcie_without_a_link)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
