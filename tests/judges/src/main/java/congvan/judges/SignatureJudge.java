package congvan.judges;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import eu.europa.esig.dss.diagnostic.AbstractSignatureWrapper;
import eu.europa.esig.dss.diagnostic.DiagnosticData;
import eu.europa.esig.dss.diagnostic.SignatureWrapper;
import eu.europa.esig.dss.diagnostic.TimestampWrapper;
import eu.europa.esig.dss.jaxb.object.Message;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.pades.validation.PDFDocumentValidator;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonCertificateSource;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.spi.x509.revocation.crl.ExternalResourcesCRLSource;
import eu.europa.esig.dss.spi.x509.revocation.ocsp.ExternalResourcesOCSPSource;
import eu.europa.esig.dss.validation.reports.Reports;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;

/**
 * EU DSS on a document's signatures: level, indication and what stands behind it, by EN 319 102-1
 * under its own default policy. It fetches nothing: revocation comes from the document or from the
 * files that the question names.
 */
final class SignatureJudge {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private SignatureJudge() {}

    static ObjectNode judge(JsonNode question) throws IOException {
        String document = question.required("document").asText();
        PDFDocumentValidator validator = new PDFDocumentValidator(new FileDocument(document));
        validator.setCertificateVerifier(verifier(question));
        if (question.hasNonNull("at")) {
            validator.setValidationTime(Date.from(Instant.parse(question.get("at").asText())));
        }
        Reports reports = validator.validateDocument();
        if (question.hasNonNull("reports")) {
            keep(reports, Files.createDirectories(Path.of(question.get("reports").asText())));
        }
        return answer(reports);
    }

    private static CommonCertificateVerifier verifier(JsonNode question) {
        CommonTrustedCertificateSource anchors = new CommonTrustedCertificateSource();
        for (String path : paths(question, "anchors")) {
            anchors.addCertificate(DSSUtils.loadCertificate(new File(path)));
        }
        CommonCertificateSource others = new CommonCertificateSource();
        for (String path : paths(question, "certificates")) {
            others.addCertificate(DSSUtils.loadCertificate(new File(path)));
        }
        CommonCertificateVerifier verifier = new CommonCertificateVerifier();
        verifier.setAIASource(null);
        verifier.setTrustedCertSources(anchors);
        verifier.setAdjunctCertSources(others);
        verifier.setCrlSource(new ExternalResourcesCRLSource(files(question, "crls")));
        verifier.setOcspSource(new ExternalResourcesOCSPSource(files(question, "ocsps")));
        return verifier;
    }

    private static List<String> paths(JsonNode question, String name) {
        List<String> paths = new ArrayList<>();
        question.path(name).forEach(path -> paths.add(path.asText()));
        return paths;
    }

    private static DSSDocument[] files(JsonNode question, String name) {
        return paths(question, name).stream().map(FileDocument::new).toArray(DSSDocument[]::new);
    }

    private static void keep(Reports reports, Path folder) throws IOException {
        Files.writeString(folder.resolve("simple.xml"), reports.getXmlSimpleReport());
        Files.writeString(folder.resolve("detailed.xml"), reports.getXmlDetailedReport());
        Files.writeString(folder.resolve("diagnostic.xml"), reports.getXmlDiagnosticData());
        Files.writeString(folder.resolve("etsi.xml"), reports.getXmlValidationReport());
    }

    private static ObjectNode answer(Reports reports) {
        SimpleReport simple = reports.getSimpleReport();
        DiagnosticData data = reports.getDiagnosticData();
        ObjectNode answer = JSON.objectNode();
        ArrayNode signatures = answer.putArray("signatures");
        for (SignatureWrapper signature : data.getSignatures()) {
            signatures.add(verdict(signature, simple).put("level", name(signature.getSignatureFormat())));
        }
        ArrayNode timestamps = answer.putArray("timestamps");
        for (TimestampWrapper timestamp : data.getTimestampList()) {
            ObjectNode verdict = JSON.objectNode();
            verdict.put("type", name(timestamp.getType()));
            verdict.put("producedAt", timestamp.getProductionTime().toInstant().toString());
            indication(verdict, simple, timestamp.getId());
            timestamps.add(verdict);
        }
        return answer;
    }

    private static ObjectNode verdict(AbstractSignatureWrapper signature, SimpleReport simple) {
        ObjectNode verdict = JSON.objectNode();
        verdict.put("field", signature.getFirstFieldName());
        verdict.put("keyAlgorithm", name(signature.getEncryptionAlgorithm()));
        verdict.put("digestAlgorithm", name(signature.getDigestAlgorithm()));
        verdict.put("intact", signature.isSignatureIntact());
        verdict.put("undefinedChanges", signature.getPdfUndefinedChanges().size());
        indication(verdict, simple, signature.getId());
        return verdict;
    }

    private static void indication(ObjectNode verdict, SimpleReport simple, String id) {
        verdict.put("indication", name(simple.getIndication(id)));
        verdict.put("subIndication", name(simple.getSubIndication(id)));
        messages(verdict.putArray("errors"), simple.getAdESValidationErrors(id));
        messages(verdict.putArray("warnings"), simple.getAdESValidationWarnings(id));
    }

    private static void messages(ArrayNode texts, List<Message> messages) {
        messages.forEach(message -> texts.add(message.getValue()));
    }

    private static String name(Object value) {
        return value == null ? "" : value.toString();
    }
}
