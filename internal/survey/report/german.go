package report

// germanRules are the findings' titles and remedies in German.
var germanRules = map[string][2]string{
	"DXA001": {"Jeder darf das Archiv abfragen", "Schließen Sie den Port noch heute an der Firewall für alle außer den Geräten, die ihn brauchen; verlangen Sie dann TLS mit Client-Zertifikaten und erlauben Sie Abfragen nur bekannten AE-Titeln mit bekannten Adressen. Sehen Sie in den Protokollen nach, wer abgefragt hat."},
	"DXA002": {"DICOMweb oder REST antwortet ohne Anmeldung", "Verlangen Sie eine Anmeldung an der Weboberfläche und bieten Sie sie nur über HTTPS an; nehmen Sie sie bis dahin vom Internet."},
	"DXA003": {"Ein Viewer oder eine Studienliste öffnet sich ohne Anmeldung", "Verlangen Sie eine Anmeldung für die Seiten und bieten Sie sie nur über HTTPS an; nehmen Sie sie bis dahin vom Internet."},
	"DXA004": {"Jeder Anrufer darf eine Association öffnen", "Lassen Sie nur bekannte rufende AE-Titel von bekannten Adressen zu, prüfen Sie den gerufenen AE-Titel und verlangen Sie TLS mit Client-Zertifikaten: Titel allein lassen sich fälschen."},
	"DXA005": {"Jeder Anrufer darf einen Storage-Kontext öffnen", "Erlauben Sie C-STORE nur den Geräten, die hierher senden. Ob Bilder eines Fremden behalten würden, wurde nicht versucht; suchen Sie nach Patienten und Studien, die keines Ihrer Geräte erzeugt hat."},
	"DXA006": {"Der Abruf von Bildern wird jedem angeboten", "Erlauben Sie C-MOVE und C-GET nur bekannten Arbeitsplätzen und C-MOVE nur an eingetragene Ziele."},
	"DXA007": {"Der Verkehr ist nicht verschlüsselt", "Benutzen Sie DICOM über TLS (Port 2762) oder HTTPS; kann das Produkt es nicht, so stellen Sie es hinter einen Proxy oder ein VPN."},
	"DXA008": {"TLS ist veraltet", "Bieten Sie nur TLS 1.2 und 1.3 an, mit gültigem Zertifikat und einem Schlüssel von mindestens RSA 2048 oder ECDSA 256."},
	"DXA009": {"Ob Abfragen erlaubt sind, ließ sich nicht entscheiden", "Sehen Sie im Protokoll des Servers zu diesem Zeitpunkt nach und prüfen Sie mit einem AE-Titel, den er nicht kennt."},
	"DXA010": {"DICOM ist von hier aus zu sehen, auch wenn es ablehnt", "Eine Prüfung von AE-Titeln lässt sich durch Raten überwinden: Lassen Sie nur bekannte Adressen zu und verlangen Sie TLS mit Client-Zertifikaten."},
	"DXA011": {"Die Version hat vielleicht bekannte Schwachstellen", "Vergleichen Sie die Version mit der Liste und aktualisieren Sie. Eine angezeigte Version ist nur ein Hinweis: Distributionen beheben, ohne sie zu ändern."},
	"DXA012": {"Das Produkt wird nicht mehr gepflegt", "Ersetzen Sie es; lassen Sie bis dahin nur die Geräte heran, die es brauchen."},
	"DXA013": {"Das ist vielleicht eine Falle für Angreifer und kein Archiv", "Fragen Sie den Eigentümer, bevor Sie es zählen."},
	"DXA014": {"Jeder Anrufer darf einen Worklist-Kontext öffnen", "Erlauben Sie Worklist-Abfragen nur bekannten Geräten: Eine Worklist enthält die Namen der Patienten von heute. Sie wurde nicht abgefragt."},
	"DXA015": {"Abfragen werden jedem angeboten; ob sie erlaubt sind, wurde nicht gefragt", "Führen Sie die Untersuchung mit einer Scope-Datei durch, die L4 erlaubt."},
	"DXA016": {"Eine bekannte Schwachstelle ist offen", "Aktualisieren Sie sofort und nehmen Sie das System bis dahin vom Netz."},
	"DXA017": {"WADO-URI antwortet ohne Anmeldung", "Verlangen Sie eine Anmeldung für WADO-URI oder schalten Sie es ab, wo niemand es benutzt; bieten Sie es nur über HTTPS an. Ob es Bilder herausgibt, wurde nicht versucht: Prüfen Sie es mit einem eigenen Bild, das niemanden nennt."},
}
