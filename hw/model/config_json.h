/* Reader of Hugging Face config.json files of dense decoder models.
 *
 * Architectures: LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM. What would change the cost
 * of a step and is not modelled is refused, not ignored: mixture of experts, sliding windows, quantised weights, types
 * other than bfloat16 and float16. Keys with Hugging Face defaults keep them: num_key_value_heads (the number of query
 * heads), head_dim (hidden_size / num_attention_heads), tie_word_embeddings (false). Other keys do not matter here.
 */
#ifndef ASIM_HW_MODEL_CONFIG_JSON_H
#define ASIM_HW_MODEL_CONFIG_JSON_H

#include "hw/device.h"

#include <stddef.h>

/* Parses `bytes` of `text`; `name` stands for the file in errors and, without folder and extension, names the model. */
asim_status model_parse(const char *text, size_t bytes, const char *name, struct model_shape *out, struct diag *diag);

#endif
