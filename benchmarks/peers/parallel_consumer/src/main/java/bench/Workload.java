package bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.avro.message.BinaryMessageEncoder;

/** The same work as benchmarks/workload.py: its users, its event, its call, its result. */
final class Workload {
    private static final JsonFactory JSON = new JsonFactory();
    private static final List<String> TAKEN_OVER =
            List.of("event_id", "app_id", "user_id", "prompt_id", "interaction");

    private final Schema resultSchema;
    private final BinaryMessageDecoder<GenericRecord> events;
    private final BinaryMessageEncoder<GenericRecord> results;
    private final Map<String, Map<String, Object>> known = new HashMap<>();

    Workload(Path schemas, int users) throws IOException {
        resultSchema = schema(schemas, "ActionResult");
        events = new BinaryMessageDecoder<>(model(), schema(schemas, "PromptInteraction"));
        results = new BinaryMessageEncoder<>(model(), resultSchema, true);
        for (int number = 0; number < users; number++) {
            known.put(String.format("user-%05d", number), attributes(number));
        }
    }

    private static GenericData model() {
        return new GenericData();
    }

    /** Strings are read as Java's own, not as Avro's, which would be turned into them at every use. */
    private static Schema schema(Path schemas, String name) throws IOException {
        Schema read = new Schema.Parser().parse(schemas.resolve(name + ".avsc").toFile());
        return new Schema.Parser().parse(
                read.toString().replace("\"string\"", "{\"type\":\"string\",\"avro.java.string\":\"String\"}"));
    }

    private static Map<String, Object> attributes(int number) {
        Map<String, Object> made = new HashMap<>();
        made.put("stripe_id", String.format("cus_%014d", number));
        made.put("email_address", "user" + number + "@example.com");
        made.put("plan", "premium_monthly");
        made.put("country", "AT");
        made.put("language", "de");
        made.put("seats", number % 7);
        made.put("is_trial", number % 2 == 0);
        made.put("mrr", 9.99);
        for (int i = 0; i < 12; i++) {
            made.put(String.format("attribute_%02d", i), "value " + i + " of user " + number);
        }
        return made;
    }

    /** An event as its fields. */
    GenericRecord event(byte[] data) {
        try {
            return events.decode(data);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** The 230 bytes of JSON that a call sends. */
    byte[] body(GenericRecord event) {
        Map<String, Object> user = known.get(text(event, "user_id"));
        var made = new ByteArrayOutputStream(256);
        try (var json = JSON.createGenerator(made)) {
            json.writeStartObject();
            json.writeStringField("event", text(event, "event_id"));
            json.writeStringField("user", text(event, "user_id"));
            json.writeStringField("prompt", text(event, "prompt_id"));
            json.writeStringField("interaction", text(event, "interaction"));
            json.writeStringField("customer", (String) user.get("stripe_id"));
            json.writeStringField("email", (String) user.get("email_address"));
            json.writeStringField("plan", (String) user.get("plan"));
            json.writeStringField("country", (String) user.get("country"));
            json.writeNumberField("seats", (Integer) user.get("seats"));
            json.writeStringField("note", "sent by the benchmark");
            json.writeEndObject();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return made.toByteArray();
    }

    /** The vendor's id in its answer. */
    String reference(byte[] answer) {
        try (var json = JSON.createParser(answer)) {
            while (json.nextToken() != null) {
                if (json.currentToken() == JsonToken.FIELD_NAME && "id".equals(json.currentName())) {
                    return json.nextTextValue();
                }
            }
            return "";
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** The key of an event's result. */
    static String key(GenericRecord event) {
        return text(event, "app_id") + ":" + text(event, "user_id");
    }

    static String text(GenericRecord event, String field) {
        return (String) event.get(field);
    }

    /** The outcome of one call, as the processor writes it too. */
    byte[] result(GenericRecord event, int status, byte[] answer, long started) {
        boolean ok = status == 200;
        var made = new GenericData.Record(resultSchema);
        for (String field : TAKEN_OVER) {
            made.put(field, event.get(field));
        }
        made.put("event_time", event.get("time"));
        made.put("run", 0);
        made.put("binding_id", "bench.send");
        made.put("position", 0);
        made.put("connector", "bench");
        made.put("action", "send");
        made.put("outcome", ok ? "succeeded" : "failed");
        made.put("note", "");
        made.put("reason", ok ? "" : "unavailable");
        made.put("code", "");
        made.put("message", "");
        made.put("reference", ok ? reference(answer) : "");
        made.put("request_id", "");
        made.put("status", status);
        made.put("attempts", 1);
        made.put("started_at", started);
        made.put("finished_at", System.currentTimeMillis());
        made.put("config_version", "1");
        made.put("attributes_offset", 0L);
        made.put("attributes_time", 0L);
        made.put("detail", Map.of());
        made.put("planned", 1);
        return encoded(made);
    }

    private byte[] encoded(GenericRecord made) {
        try {
            ByteBuffer data = results.encode(made);
            byte[] bytes = new byte[data.remaining()];
            data.get(bytes);
            return bytes;
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
