package congvan.judges;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.util.HashSet;
import java.util.Set;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.VeraPDFFoundry;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** veraPDF on whether a document is PDF/A (ISO 19005) of the part and level asked for. */
final class ArchiveJudge {
    static {
        VeraGreenfieldFoundryProvider.initialise();
    }

    private ArchiveJudge() {}

    static ObjectNode judge(JsonNode question) throws Exception {
        File document = new File(question.required("document").asText());
        PDFAFlavour flavour = PDFAFlavour.fromString(question.required("flavour").asText());
        if (flavour == PDFAFlavour.NO_FLAVOUR) {
            throw new IllegalArgumentException("no part and level of PDF/A is called that");
        }
        VeraPDFFoundry foundry = Foundries.defaultInstance();
        try (PDFAParser parser = foundry.createParser(document, flavour);
                PDFAValidator validator = foundry.createValidator(flavour, false)) {
            ValidationResult result = validator.validate(parser);
            ObjectNode answer = JsonNodeFactory.instance.objectNode();
            answer.put("flavour", result.getPDFAFlavour().getId());
            answer.put("compliant", result.isCompliant());
            failures(answer.putArray("failures"), result);
            return answer;
        }
    }

    private static void failures(ArrayNode failures, ValidationResult result) {
        Set<String> told = new HashSet<>();
        for (TestAssertion assertion : result.getTestAssertions()) {
            String rule =
                    assertion.getRuleId().getClause() + "-" + assertion.getRuleId().getTestNumber();
            if (assertion.getStatus() == TestAssertion.Status.FAILED && told.add(rule)) {
                failures.add(rule + ": " + assertion.getMessage());
            }
        }
    }
}
