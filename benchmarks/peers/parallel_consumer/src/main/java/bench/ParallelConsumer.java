package bench;

import static io.confluent.parallelconsumer.ParallelConsumerOptions.CommitMode.PERIODIC_CONSUMER_ASYNCHRONOUS;
import static io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder.KEY;

import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import io.confluent.parallelconsumer.internal.DrainingCloseable;
import io.confluent.parallelconsumer.vertx.VertxParallelEoSStreamProcessor;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.avro.generic.GenericRecord;
import org.apache.hc.client5.http.classic.HttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.http.io.support.ClassicRequestBuilder;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Parallel Consumer by key: `vertx|core SCHEMAS CONCURRENCY LINGER_MS`; its task is in the environment, as all others'. */
public final class ParallelConsumer {
    private static final int LOOPS = 2;

    private final JsonObject task;
    private final int concurrency;
    private final Workload workload;
    private final KafkaConsumer<String, byte[]> consumer;
    private final KafkaProducer<String, byte[]> producer;
    private final String url;

    private ParallelConsumer(JsonObject task, Path schemas, int concurrency, int lingerMs) throws IOException {
        this.task = task;
        this.concurrency = concurrency;
        workload = new Workload(schemas, task.getInteger("users"));
        url = task.getString("url") + "/one";
        String servers = task.getString("servers");
        consumer = new KafkaConsumer<>(Map.of(
                "bootstrap.servers", servers, "group.id", task.getString("group"), "auto.offset.reset", "earliest",
                "enable.auto.commit", false, "isolation.level", "read_committed", "max.poll.records", 2000),
                new StringDeserializer(), new ByteArrayDeserializer());
        producer = new KafkaProducer<>(Map.of(
                "bootstrap.servers", servers, "linger.ms", lingerMs, "batch.size", 131072, "compression.type", "lz4"),
                new StringSerializer(), new ByteArraySerializer());
    }

    /** Runs until SIGTERM. */
    public static void main(String[] arguments) throws IOException {
        var task = new JsonObject(System.getenv("BENCH_TASK"));
        var one = new ParallelConsumer(task, Path.of(arguments[1]), Integer.parseInt(arguments[2]),
                Integer.parseInt(arguments[3]));
        DrainingCloseable running = arguments[0].equals("vertx") ? one.vertx() : one.core();
        Runtime.getRuntime().addShutdownHook(new Thread(running::closeDontDrainFirst));
    }

    private ParallelConsumerOptions.ParallelConsumerOptionsBuilder<String, byte[]> options() {
        return ParallelConsumerOptions.<String, byte[]>builder().consumer(consumer).ordering(KEY)
                .maxConcurrency(concurrency).commitMode(PERIODIC_CONSUMER_ASYNCHRONOUS)
                .commitInterval(Duration.ofMillis(500));
    }

    // Vert.x: nothing waits in a thread

    private DrainingCloseable vertx() {
        Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(LOOPS));
        WebClient client = WebClient.create(vertx, new WebClientOptions().setMaxPoolSize(task.getInteger("in_flight")));
        var address = new RequestOptions().setMethod(HttpMethod.POST).setAbsoluteURI(url);
        var processor = new VertxParallelEoSStreamProcessor<String, byte[]>(vertx, client, options().build());
        processor.subscribe(List.of(task.getString("interactions")));
        processor.vertxFuture(context -> call(client, address, context.value()));
        return processor;
    }

    /** Done once the broker has the result: only then may the event's offset be committed. */
    private Future<Void> call(WebClient client, RequestOptions address, byte[] data) {
        GenericRecord event = workload.event(data);
        long started = System.currentTimeMillis();
        return client.request(HttpMethod.POST, address)
                .putHeader("Content-Type", "application/json")
                .putHeader("Idempotency-Key", Workload.text(event, "event_id"))
                .sendBuffer(Buffer.buffer(workload.body(event)))
                .compose(answer -> produce(record(event, answer.statusCode(), answer.body().getBytes(), started)));
    }

    private Future<Void> produce(ProducerRecord<String, byte[]> record) {
        Promise<Void> done = Promise.promise();
        producer.send(record, (place, error) -> {
            if (error == null) {
                done.complete();
            } else {
                done.fail(error);
            }
        });
        return done.future();
    }

    // the core: a thread a call, as in its authors' own measurement

    private DrainingCloseable core() {
        HttpClient client = HttpClients.custom().setConnectionManager(PoolingHttpClientConnectionManagerBuilder.create()
                .setMaxConnPerRoute(concurrency).setMaxConnTotal(concurrency).build()).build();
        var processor = ParallelStreamProcessor.createEosStreamProcessor(options().producer(producer).build());
        processor.subscribe(List.of(task.getString("interactions")));
        processor.pollAndProduce(context -> called(client, context.value()));
        return processor;
    }

    private ProducerRecord<String, byte[]> called(HttpClient client, byte[] data) {
        GenericRecord event = workload.event(data);
        long started = System.currentTimeMillis();
        var request = ClassicRequestBuilder.post(url).addHeader("Idempotency-Key", Workload.text(event, "event_id"))
                .setEntity(new ByteArrayEntity(workload.body(event), ContentType.APPLICATION_JSON)).build();
        try {
            return client.execute(request, answer ->
                    record(event, answer.getCode(), EntityUtils.toByteArray(answer.getEntity()), started));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private ProducerRecord<String, byte[]> record(GenericRecord event, int status, byte[] answer, long started) {
        return new ProducerRecord<>(task.getString("results"), Workload.key(event),
                workload.result(event, status, answer, started));
    }
}
