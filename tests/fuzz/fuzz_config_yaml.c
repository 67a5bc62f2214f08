/* Any text as a configuration file: it is refused with a message, or it resolves, and then what is printed reads back
 * to the same configuration. */
#include "asim/asim.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void check_round_trip(const asim_config *config)
{
    char *text = asim_config_yaml(config, true);
    char *plain = asim_config_yaml(config, false);
    asim_config *again = asim_config_create();
    require(asim_config_load_text(again, "resolved", text, strlen(text)) == ASIM_OK);
    require(asim_config_resolve(again) == ASIM_OK);
    char *second = asim_config_yaml(again, false);
    require(strcmp(plain, second) == 0);
    asim_free(second);
    asim_config_destroy(again);
    asim_free(plain);
    asim_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    asim_config *config = asim_config_create();
    const asim_status loaded = asim_config_load_text(config, "fuzz", (const char *)data, bytes);
    require((loaded == ASIM_OK) == (asim_config_message_count(config) == 0));
    const asim_status resolved = asim_config_resolve(config);
    require((resolved == ASIM_OK) == (asim_config_message_count(config) == 0));
    if (resolved == ASIM_OK) {
        check_round_trip(config);
    }
    asim_config_destroy(config);
    return 0;
}
