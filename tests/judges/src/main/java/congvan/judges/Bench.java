package congvan.judges;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * The judges' bench: one question a line on standard input, one answer a line on standard output,
 * both JSON, until the input ends. A judge that fails says so in "failure"; the bench stays.
 *
 * <p>{"judge": "dss", "document": "a.pdf", "anchors": ["root.crt"], "crls": [], "ocsps": [],
 * "at": "2026-11-23T00:00:00Z", "reports": "folder"} or {"judge": "verapdf", "document": "a.pdf",
 * "flavour": "2b"}.
 */
public final class Bench {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Bench() {}

    /** Answers questions until there are none. */
    public static void main(String[] arguments) throws IOException {
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        // Whatever a library prints must not stand between the answers.
        System.setOut(System.err);
        BufferedReader questions =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            answers.println(JSON.writeValueAsString(answer(line)));
        }
    }

    private static ObjectNode answer(String line) {
        try {
            JsonNode question = JSON.readTree(line);
            String judge = question.path("judge").asText();
            return switch (judge) {
                case "dss" -> SignatureJudge.judge(question);
                case "verapdf" -> ArchiveJudge.judge(question);
                default -> throw new IllegalArgumentException("no judge is called " + judge);
            };
        } catch (Exception | StackOverflowError failure) {
            failure.printStackTrace();
            return JSON.createObjectNode().put("failure", failure.toString());
        }
    }
}
