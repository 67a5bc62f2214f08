#include "workload/json_lines.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>

#include <simdjson.h>

#include "workload/input_file.h"

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

static_assert(INPUT_PADDING >= simdjson::SIMDJSON_PADDING, "the padding must satisfy the parser");
static_assert(sizeof(element) == sizeof(jdoc_value) && std::is_trivially_copyable<element>::value, "element by value");

struct jdoc_parser {
    simdjson::dom::parser parser;
};

namespace
{
jdoc_value to_value(const element &from)
{
    jdoc_value value;
    std::memcpy(&value, &from, sizeof value);
    return value;
}

element to_element(jdoc_value value)
{
    element result;
    std::memcpy(static_cast<void *>(&result), &value, sizeof value);
    return result;
}

/* Position and end of a walk, as simdjson's own iterators. */
template <typename Iterator> struct walk {
    Iterator at;
    Iterator end;
};

template <typename Iterator> jdoc_iterator to_iterator(const walk<Iterator> &from)
{
    static_assert(sizeof from == sizeof(jdoc_iterator) && std::is_trivially_copyable<Iterator>::value,
                  "iterator by value");
    jdoc_iterator iterator;
    std::memcpy(&iterator, static_cast<const void *>(&from), sizeof iterator);
    return iterator;
}

template <typename Iterator> walk<Iterator> to_walk(const jdoc_iterator &iterator)
{
    walk<Iterator> result;
    std::memcpy(static_cast<void *>(&result), &iterator, sizeof iterator);
    return result;
}
} // namespace

extern "C" {

struct jdoc_parser *jdoc_parser_create(void)
{
    jdoc_parser *parser = new (std::nothrow) jdoc_parser;
    if (!parser) {
        std::fputs("asim: out of memory (JSON parser)\n", stderr);
        std::abort();
    }
    return parser;
}

void jdoc_parser_destroy(struct jdoc_parser *parser)
{
    delete parser;
}

const char *jdoc_parse(struct jdoc_parser *parser, const char *text, size_t bytes, struct jdoc_value *root)
{
    element document;
    const simdjson::error_code error = parser->parser.parse(text, bytes, false).get(document);
    if (error == simdjson::SUCCESS) {
        *root = to_value(document);
        return nullptr;
    }
    return simdjson::error_message(error);
}

enum jdoc_type jdoc_type_of(struct jdoc_value value)
{
    switch (to_element(value).type()) {
    case element_type::ARRAY:
        return JDOC_ARRAY;
    case element_type::OBJECT:
        return JDOC_OBJECT;
    case element_type::INT64:
    case element_type::UINT64:
        return JDOC_INTEGER;
    case element_type::DOUBLE:
        return JDOC_REAL;
    case element_type::STRING:
        return JDOC_STRING;
    case element_type::BOOL:
        return JDOC_BOOL;
    case element_type::NULL_VALUE:
        break;
    }
    return JDOC_NULL;
}

bool jdoc_integer(struct jdoc_value value, int64_t *out)
{
    return to_element(value).get_int64().get(*out) == simdjson::SUCCESS;
}

bool jdoc_real(struct jdoc_value value, double *out)
{
    return to_element(value).get_double().get(*out) == simdjson::SUCCESS;
}

bool jdoc_text(struct jdoc_value value, struct jdoc_string *out)
{
    std::string_view text;
    if (to_element(value).get_string().get(text) != simdjson::SUCCESS) {
        return false;
    }
    *out = {text.data(), text.size()};
    return true;
}

struct jdoc_iterator jdoc_array(struct jdoc_value value)
{
    array items;
    if (to_element(value).get_array().get(items) != simdjson::SUCCESS) {
        std::abort(); /* the caller looked at the type */
    }
    return to_iterator(walk<array::iterator>{items.begin(), items.end()});
}

bool jdoc_array_next(struct jdoc_iterator *iterator, struct jdoc_value *value)
{
    auto position = to_walk<array::iterator>(*iterator);
    if (!(position.at != position.end)) {
        return false;
    }
    *value = to_value(*position.at);
    ++position.at;
    *iterator = to_iterator(position);
    return true;
}

struct jdoc_iterator jdoc_object(struct jdoc_value value)
{
    object items;
    if (to_element(value).get_object().get(items) != simdjson::SUCCESS) {
        std::abort(); /* the caller looked at the type */
    }
    return to_iterator(walk<object::iterator>{items.begin(), items.end()});
}

bool jdoc_object_next(struct jdoc_iterator *iterator, struct jdoc_string *key, struct jdoc_value *value)
{
    auto position = to_walk<object::iterator>(*iterator);
    if (!(position.at != position.end)) {
        return false;
    }
    const std::string_view name = position.at.key();
    *key = {name.data(), name.size()};
    *value = to_value(position.at.value());
    ++position.at;
    *iterator = to_iterator(position);
    return true;
}

size_t jdoc_array_u32(struct jdoc_value value, uint32_t *out, size_t capacity, size_t *bad)
{
    size_t n = 0;
    *bad = SIZE_MAX;
    array items;
    if (to_element(value).get_array().get(items) != simdjson::SUCCESS) {
        std::abort(); /* the caller looked at the type */
    }
    for (const element item : items) {
        if (n < capacity) {
            uint64_t number = 0;
            if ((item.get_uint64().get(number) != simdjson::SUCCESS || number > UINT32_MAX) && *bad == SIZE_MAX) {
                *bad = n;
            }
            out[n] = static_cast<uint32_t>(number);
        }
        n++;
    }
    return n;
}

} // extern "C"
