"""What the merchant's page says, in each of its languages; and which of them a browser asks for.

The English advice is `errors.ADVICE`. Of each advice the first sentence says what happened, the rest what to do.
Names of Magento's own buttons and menus stay as they are.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from storelink.errors import ADVICE

DEFAULT = "en"

MAX_HEADER_LENGTH = 1024
"""Characters of an Accept-Language header that are read."""

_RANGE = re.compile(
    r"(?P<tag>\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)(?:\s*;\s*q=(?P<quality>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Language:
    """One language. tag: as in `lang` (BCP 47). direction: "ltr" or "rtl". advice: by reason."""

    tag: str
    texts: Mapping[str, str] = field(repr=False)
    advice: Mapping[str, str] = field(repr=False)
    direction: str = "ltr"

    def say(self, name: str, **values: str) -> str:
        """A text with its values in place."""
        return self.texts[name].format(**values)

    def advise(self, reason: str) -> tuple[str, str]:
        """What happened, and what to do. A reason that no activation ends with is told in English."""
        happened, end, to_do = (self.advice.get(reason) or ADVICE[reason]).partition(". ")
        return happened + end.strip(), to_do


def negotiate(accept_language: str) -> Language:
    """The language that fits an Accept-Language header best (RFC 9110 section 12.5.4, RFC 4647), else English."""
    wanted: list[tuple[float, str]] = []
    for part in accept_language[:MAX_HEADER_LENGTH].split(","):
        match = _RANGE.fullmatch(part.strip())
        if match:
            wanted.append((float(match["quality"] or 1), match["tag"].lower()))
    for quality, tag in sorted(wanted, key=lambda one: -one[0]):
        primary = DEFAULT if tag == "*" else tag.partition("-")[0]
        if quality > 0 and primary in LANGUAGES:
            return LANGUAGES[primary]
    return LANGUAGES[DEFAULT]


LANGUAGES = {
    "en": Language(
        "en",
        {
            "waiting.title": "Waiting for Magento",
            "waiting": "Nothing has arrived for this integration in the last 24 hours. If you have just clicked "
            "Activate, it is on its way.",
            "waiting.help": "If this page stays as it is, close it and click Activate or Reauthorize in Magento under "
            "System > Integrations.",
            "direct.title": "This page opens from Magento",
            "direct": "{app} connects to your store when you activate its integration there.",
            "direct.help": "In Magento open System > Integrations and click Activate, or Reauthorize where it was "
            "connected before. This page then opens by itself and shows what happens.",
            "incomplete.title": "This link is not complete",
            "incomplete": "Magento opens this page with the integration's consumer key, and there is none in this "
            "address.",
            "incomplete.help": "In Magento open System > Integrations, edit the integration and paste the Identity "
            "link URL again as {app} gives it, without a question mark. Then click Activate or Reauthorize.",
            "connecting.title": "Connecting your store",
            "connecting": "This takes a few seconds.",
            "slow": "Your store takes its time. {app} keeps trying for up to 5 minutes; leave this window open.",
            "connected.title": "Connected",
            "connected": "{app} can now work with your store, within the access that you allowed.",
            "returning": "This window takes you back to Magento.",
            "return": "You can go back to Magento.",
            "failed.title": "Not connected",
            "said": "The store said or showed:",
            "move.merchant": "Next step: yours",
            "move.operator": "Next step: the {app} team's",
            "move.nobody": "Next step: none",
            "where": "Reauthorize is in Magento under System > Integrations, in the integration's row.",
            "tell": "Tell the {app} team the reference below.",
            "sign-in.title": "One more step: sign in to {app}",
            "sign-in": "Your store is connected. Sign in, so that {app} knows whose store it is.",
            "sign-in.going": "This window takes you there.",
            "sign-in.go": "Sign in at {host}",
            "unclaimed.title": "Connected, but not signed in",
            "unclaimed.expired": "The sign-in took longer than 10 minutes, or its link was changed on the way.",
            "unclaimed.declined": "{app} was not told whose store this is.",
            "unclaimed.elsewhere": "This sign-in was not begun in this browser, or the browser keeps no cookies.",
            "unclaimed.taken": "This store belongs to an account of {app} already.",
            "unclaimed.not-now": "{app} cannot take the sign-in at this moment.",
            "unclaimed.help": "Your store stays connected. In Magento click Reauthorize to sign in again, or ask the "
            "{app} team to assign the store to you.",
            "back": "Back to Magento",
            "go": "Go to {host}",
            "close": "You can close this window.",
            "reference": "Reference",
            "step.received": "Activation received",
            "step.received.means": "Magento sent this app the integration's keys.",
            "step.requested": "Request token",
            "step.requested.means": "The app asks the store for a first, temporary token.",
            "step.granted": "Access token",
            "step.granted.means": "The store gives the token with which the app may call it.",
            "done": "done",
            "now": "under way",
            "later": "to come",
            "failed": "failed",
        },
        ADVICE,
    ),
    "de": Language(
        "de",
        {
            "waiting.title": "Warten auf Magento",
            "waiting": "Für diese Integration ist in den letzten 24 Stunden nichts angekommen. Wenn Sie gerade auf "
            "Activate geklickt haben, ist die Nachricht unterwegs.",
            "waiting.help": "Bleibt diese Seite, wie sie ist, schließen Sie sie und klicken Sie in Magento unter "
            "System > Integrations auf Activate oder Reauthorize.",
            "direct.title": "Diese Seite öffnet sich aus Magento",
            "direct": "{app} verbindet sich mit Ihrem Shop, sobald Sie die Integration dort aktivieren.",
            "direct.help": "Öffnen Sie in Magento System > Integrations und klicken Sie auf Activate, oder auf "
            "Reauthorize, wenn schon einmal verbunden war. Dann öffnet sich diese Seite von selbst und zeigt, was "
            "geschieht.",
            "incomplete.title": "Dieser Link ist unvollständig",
            "incomplete": "Magento öffnet diese Seite mit dem Consumer Key der Integration, und in dieser Adresse "
            "fehlt er.",
            "incomplete.help": "Öffnen Sie in Magento System > Integrations, bearbeiten Sie die Integration und fügen "
            "Sie die Identity link URL noch einmal so ein, wie {app} sie nennt, ohne Fragezeichen. Klicken Sie dann "
            "auf Activate oder Reauthorize.",
            "connecting.title": "Ihr Shop wird verbunden",
            "connecting": "Das dauert einige Sekunden.",
            "slow": "Ihr Shop lässt sich Zeit. {app} versucht es bis zu 5 Minuten lang weiter; lassen Sie das Fenster "
            "offen.",
            "connected.title": "Verbunden",
            "connected": "{app} kann jetzt mit Ihrem Shop arbeiten, im Rahmen der Rechte, die Sie erteilt haben.",
            "returning": "Dieses Fenster führt Sie zurück zu Magento.",
            "return": "Sie können zu Magento zurückkehren.",
            "failed.title": "Nicht verbunden",
            "said": "Der Shop sagte oder zeigte:",
            "move.merchant": "Nächster Schritt: bei Ihnen",
            "move.operator": "Nächster Schritt: beim Team von {app}",
            "move.nobody": "Nächster Schritt: keiner",
            "where": "Reauthorize steht in Magento unter System > Integrations, in der Zeile der Integration.",
            "tell": "Nennen Sie dem Team von {app} die Referenz am Ende der Seite.",
            "sign-in.title": "Noch ein Schritt: Anmeldung bei {app}",
            "sign-in": "Ihr Shop ist verbunden. Melden Sie sich an, damit {app} weiß, wem er gehört.",
            "sign-in.going": "Dieses Fenster führt Sie dorthin.",
            "sign-in.go": "Anmelden bei {host}",
            "unclaimed.title": "Verbunden, aber nicht angemeldet",
            "unclaimed.expired": "Die Anmeldung dauerte länger als 10 Minuten, oder ihr Link wurde unterwegs "
            "verändert.",
            "unclaimed.declined": "{app} hat nicht erfahren, wem dieser Shop gehört.",
            "unclaimed.elsewhere": "Diese Anmeldung wurde nicht in diesem Browser begonnen, oder er behält keine "
            "Cookies.",
            "unclaimed.taken": "Dieser Shop gehört schon zu einem Konto bei {app}.",
            "unclaimed.not-now": "{app} kann die Anmeldung im Augenblick nicht annehmen.",
            "unclaimed.help": "Ihr Shop bleibt verbunden. Klicken Sie in Magento auf Reauthorize, um sich noch einmal "
            "anzumelden, oder bitten Sie das Team von {app}, Ihnen den Shop zuzuordnen.",
            "back": "Zurück zu Magento",
            "go": "Weiter zu {host}",
            "close": "Sie können dieses Fenster schließen.",
            "reference": "Referenz",
            "step.received": "Aktivierung erhalten",
            "step.received.means": "Magento hat der App die Schlüssel der Integration geschickt.",
            "step.requested": "Request Token",
            "step.requested.means": "Die App bittet den Shop um ein erstes, vorläufiges Token.",
            "step.granted": "Access Token",
            "step.granted.means": "Der Shop gibt das Token, mit dem die App ihn aufrufen darf.",
            "done": "erledigt",
            "now": "läuft",
            "later": "kommt noch",
            "failed": "gescheitert",
        },
        {
            "reauthorize": "Der Shop gibt jedes Token nur einmal, und dieses ist verbraucht. Öffnen Sie in Magento "
            "System > Integrations und klicken Sie auf Reauthorize.",
            "expired": "Magento lässt von Activate bis zum ersten Schritt 300 Sekunden Zeit, und die sind um. Öffnen "
            "Sie in Magento System > Integrations und klicken Sie auf Reauthorize.",
            "signature-invalid": "Der Shop hat eine andere Signatur berechnet: Entweder ist das Consumer Secret ein "
            "anderes, oder der Shop sieht eine andere Adresse als seine Basis-URL (ein Proxy, der TLS beendet, www "
            "oder http statt https). Tragen Sie unter Stores > Configuration > Web > Base URLs die Adresse ein, unter "
            "der der Shop antwortet, und klicken Sie dann auf Reauthorize.",
            "integration-deleted": "Der Shop kennt diese Integration nicht mehr. Legen Sie sie unter System > "
            "Integrations neu an und klicken Sie auf Activate.",
            "consumer-key-length": "Der Shop hat den Consumer Key wegen seiner Länge abgelehnt. Löschen Sie die "
            "Integration unter System > Integrations, legen Sie sie neu an und klicken Sie auf Activate.",
            "verifier-mismatch": "Der Shop erwartete einen anderen Verifier, eine neuere Aktivierung hat diese also "
            "ersetzt. Öffnen Sie in Magento System > Integrations und klicken Sie auf Reauthorize.",
            "signature-method": "Der Shop nimmt weder HMAC-SHA256 noch HMAC-SHA1 an. Bringen Sie Magento auf eine "
            "unterstützte Version und klicken Sie auf Reauthorize.",
            "header-lost": "Der Header Authorization kam nicht bei Magento an: Ein Proxy oder der Webserver entfernt "
            "ihn. Lassen Sie ihn durch (Apache: CGIPassAuth On; nginx: fastcgi_param HTTP_AUTHORIZATION "
            "$http_authorization) und klicken Sie dann auf Reauthorize.",
            "redirected": "Der Shop antwortete mit einer Weiterleitung, und einer solchen darf eine signierte Anfrage "
            "nicht folgen. Tragen Sie unter Stores > Configuration > Web > Base URLs die Adresse ein, unter der der "
            "Shop wirklich antwortet, und klicken Sie dann auf Reauthorize.",
            "refused": "Der Shop hat mit unbekannten Worten abgelehnt; sie stehen daneben. Klicken Sie dann in "
            "Magento auf Reauthorize.",
            "superseded": "Eine neuere Aktivierung dieses Shops wurde zuerst verbunden. Es ist nichts zu tun.",
            "another-store": "Der Schlüssel dieser Integration ist von einem anderen Shop bekannt, deshalb wurde "
            "dieser nicht verbunden. Ist der Shop umgezogen, löschen Sie die Integration unter System > Integrations, "
            "legen Sie sie neu an und klicken Sie auf Activate.",
            "insecure-store": "Die Basis-URL des Shops ist nicht https, und Geheimnisse werden nicht im Klartext "
            "verschickt. Setzen Sie die sichere Basis-URL unter Stores > Configuration > Web und klicken Sie auf "
            "Reauthorize.",
            "port-not-allowed": "Die Basis-URL des Shops nennt einen Port, den diese Installation nicht aufruft. Ihr "
            "Betreiber kann den Port in den Parameter AllowedPorts aufnehmen; klicken Sie dann auf Reauthorize.",
            "address-not-public": "Der Host des Shops führt zu einer Adresse, die nicht öffentlich ist, deshalb wurde "
            "er nicht aufgerufen. Machen Sie den Shop aus dem Internet erreichbar und klicken Sie auf Reauthorize.",
            "host-unknown": "Der Hostname des Shops lässt sich nicht auflösen. Prüfen Sie die Basis-URL unter Stores "
            "> Configuration > Web und das DNS der Domain, und klicken Sie dann auf Reauthorize.",
            "certificate-invalid": "Das TLS-Zertifikat des Shops wurde für seinen Host nicht angenommen. Erneuern Sie "
            "es oder vervollständigen Sie seine Kette, und klicken Sie dann auf Reauthorize.",
            "clock": "Der Shop konnte die Nonce nicht prüfen; meist geht seine Uhr um mehr als 600 Sekunden nach. "
            "Stellen Sie die Uhr des Shops per NTP und klicken Sie auf Reauthorize.",
            "nonce-used": "Der Shop sagt zweimal hintereinander, die Nonce sei schon benutzt. Klicken Sie in Magento "
            "auf Reauthorize.",
            "store-error": "Der Shop antwortete mit einem eigenen Fehler. Seine Datei var/log/exception.log sagt "
            "mehr; beheben Sie ihn und klicken Sie auf Reauthorize.",
            "maintenance": "Der Shop ist im Wartungsmodus oder überlastet. Klicken Sie in Magento auf Reauthorize, "
            "wenn er wieder da ist.",
            "rate-limited": "Der Shop antwortet, es seien zu viele Anfragen. Nehmen Sie diese App von seiner "
            "Begrenzung aus und klicken Sie auf Reauthorize.",
            "blocked": "Etwas vor dem Shop (eine Firewall oder ein Schutz vor Bots) hat den Aufruf abgelehnt. Lassen "
            "Sie Anfragen an oauth/token/ und rest/ durch; war der Shop bis dahin nicht verbunden, klicken Sie auf "
            "Reauthorize.",
            "unreadable": "Die Antwort des Shops war nicht die Token-Antwort von Magento: eine Seite, ein Teil einer "
            "Antwort oder eine zu lange. Prüfen Sie, was unter oauth/token/ der Basis-URL antwortet, und klicken Sie "
            "dann auf Reauthorize.",
            "unreachable": "Der Shop antwortete nicht rechtzeitig, oder die Verbindung brach ab. Prüfen Sie, ob er "
            "aus dem Internet erreichbar ist, und klicken Sie auf Reauthorize.",
            "busy": "Ein anderer Lauf dieses Schritts ist im Gang. Versuchen Sie es in 15 Sekunden noch einmal.",
            "aws": "Ein Dienst von AWS hat den Aufruf nicht angenommen. Versuchen Sie es noch einmal; die Logzeile "
            "dieser Aktivierung nennt den Dienst.",
            "unfinished": "Die Schritte kamen nicht rechtzeitig zu einem Ende. Der Betreiber findet die Ursache in "
            "der Ausführung der State Machine; klicken Sie dann in Magento auf Reauthorize.",
        },
    ),
    "fr": Language(
        "fr",
        {
            "waiting.title": "En attente de Magento",
            "waiting": "Rien n'est arrivé pour cette intégration au cours des dernières 24 heures. Si vous venez de "
            "cliquer sur Activate, le message est en route.",
            "waiting.help": "Si cette page ne change pas, fermez-la et cliquez sur Activate ou Reauthorize dans "
            "Magento, sous System > Integrations.",
            "direct.title": "Cette page s'ouvre depuis Magento",
            "direct": "{app} se connecte à votre boutique lorsque vous y activez son intégration.",
            "direct.help": "Dans Magento, ouvrez System > Integrations et cliquez sur Activate, ou sur Reauthorize si "
            "elle a déjà été connectée. Cette page s'ouvre alors d'elle-même et montre ce qui se passe.",
            "incomplete.title": "Ce lien est incomplet",
            "incomplete": "Magento ouvre cette page avec la clé (consumer key) de l'intégration, et cette adresse "
            "n'en contient pas.",
            "incomplete.help": "Dans Magento, ouvrez System > Integrations, modifiez l'intégration et collez de "
            "nouveau l'Identity link URL telle que {app} la donne, sans point d'interrogation. Cliquez ensuite sur "
            "Activate ou Reauthorize.",
            "connecting.title": "Connexion de votre boutique",
            "connecting": "Cela prend quelques secondes.",
            "slow": "Votre boutique prend son temps. {app} continue d'essayer pendant 5 minutes au plus ; laissez "
            "cette fenêtre ouverte.",
            "connected.title": "Connectée",
            "connected": "{app} peut maintenant travailler avec votre boutique, dans la limite des accès accordés.",
            "returning": "Cette fenêtre vous ramène à Magento.",
            "return": "Vous pouvez revenir à Magento.",
            "failed.title": "Non connectée",
            "said": "La boutique a dit ou montré :",
            "move.merchant": "Prochaine étape : à vous",
            "move.operator": "Prochaine étape : à l'équipe de {app}",
            "move.nobody": "Prochaine étape : aucune",
            "where": "Reauthorize se trouve dans Magento sous System > Integrations, sur la ligne de l'intégration.",
            "tell": "Donnez à l'équipe de {app} la référence en bas de page.",
            "sign-in.title": "Encore une étape : connectez-vous à {app}",
            "sign-in": "Votre boutique est connectée. Identifiez-vous, pour que {app} sache à qui elle appartient.",
            "sign-in.going": "Cette fenêtre vous y emmène.",
            "sign-in.go": "S'identifier sur {host}",
            "unclaimed.title": "Connectée, mais sans identification",
            "unclaimed.expired": "L'identification a duré plus de 10 minutes, ou son lien a été modifié en route.",
            "unclaimed.declined": "{app} n'a pas appris à qui appartient cette boutique.",
            "unclaimed.elsewhere": "Cette identification n'a pas commencé dans ce navigateur, ou il ne garde pas les "
            "cookies.",
            "unclaimed.taken": "Cette boutique appartient déjà à un compte de {app}.",
            "unclaimed.not-now": "{app} ne peut pas prendre l'identification en ce moment.",
            "unclaimed.help": "Votre boutique reste connectée. Dans Magento, cliquez sur Reauthorize pour vous "
            "identifier de nouveau, ou demandez à l'équipe de {app} de vous attribuer la boutique.",
            "back": "Retour à Magento",
            "go": "Aller à {host}",
            "close": "Vous pouvez fermer cette fenêtre.",
            "reference": "Référence",
            "step.received": "Activation reçue",
            "step.received.means": "Magento a envoyé à l'application les clés de l'intégration.",
            "step.requested": "Jeton de requête",
            "step.requested.means": "L'application demande à la boutique un premier jeton, temporaire.",
            "step.granted": "Jeton d'accès",
            "step.granted.means": "La boutique donne le jeton avec lequel l'application peut l'appeler.",
            "done": "fait",
            "now": "en cours",
            "later": "à venir",
            "failed": "échec",
        },
        {
            "reauthorize": "La boutique ne donne chaque jeton qu'une fois, et celui-ci est utilisé. Dans Magento, "
            "ouvrez System > Integrations et cliquez sur Reauthorize.",
            "expired": "Magento laisse 300 secondes entre Activate et la première étape, et elles sont écoulées. Dans "
            "Magento, ouvrez System > Integrations et cliquez sur Reauthorize.",
            "signature-invalid": "La boutique a calculé une autre signature : soit le secret (consumer secret) est un "
            "autre, soit la boutique voit une autre adresse que son URL de base (un proxy qui termine TLS, www ou "
            "http au lieu de https). Sous Stores > Configuration > Web > Base URLs, mettez l'adresse à laquelle la "
            "boutique répond, puis cliquez sur Reauthorize.",
            "integration-deleted": "La boutique ne connaît plus cette intégration. Créez-la de nouveau sous System > "
            "Integrations et cliquez sur Activate.",
            "consumer-key-length": "La boutique a refusé la clé (consumer key) à cause de sa longueur. Supprimez "
            "l'intégration sous System > Integrations, créez-la de nouveau et cliquez sur Activate.",
            "verifier-mismatch": "La boutique attendait un autre vérificateur, donc une activation plus récente a "
            "remplacé celle-ci. Dans Magento, ouvrez System > Integrations et cliquez sur Reauthorize.",
            "signature-method": "La boutique n'accepte ni HMAC-SHA256 ni HMAC-SHA1. Mettez Magento à jour vers une "
            "version prise en charge et cliquez sur Reauthorize.",
            "header-lost": "L'en-tête Authorization n'est pas arrivé à Magento : un proxy ou le serveur web le "
            "retire. Laissez-le passer (Apache : CGIPassAuth On; nginx : fastcgi_param HTTP_AUTHORIZATION "
            "$http_authorization), puis cliquez sur Reauthorize.",
            "redirected": "La boutique a répondu par une redirection, qu'une requête signée ne doit pas suivre. Sous "
            "Stores > Configuration > Web > Base URLs, mettez l'adresse à laquelle la boutique répond vraiment, puis "
            "cliquez sur Reauthorize.",
            "refused": "La boutique a refusé en des termes inconnus ; ils figurent à côté. Cliquez ensuite sur "
            "Reauthorize dans Magento.",
            "superseded": "Une activation plus récente de cette boutique a été connectée d'abord. Il n'y a rien à "
            "faire.",
            "another-store": "La clé de cette intégration est connue d'une autre boutique, donc celle-ci n'a pas été "
            "connectée. Si la boutique a déménagé, supprimez l'intégration sous System > Integrations, créez-la de "
            "nouveau et cliquez sur Activate.",
            "insecure-store": "L'URL de base de la boutique n'est pas en https, et les secrets ne circulent pas en "
            "clair. Définissez l'URL de base sécurisée sous Stores > Configuration > Web et cliquez sur Reauthorize.",
            "port-not-allowed": "L'URL de base de la boutique indique un port que cette installation n'appelle pas. "
            "Son opérateur peut ajouter le port au paramètre AllowedPorts ; cliquez ensuite sur Reauthorize.",
            "address-not-public": "L'hôte de la boutique mène à une adresse qui n'est pas publique, il n'a donc pas "
            "été appelé. Rendez la boutique accessible depuis Internet et cliquez sur Reauthorize.",
            "host-unknown": "Le nom d'hôte de la boutique ne peut pas être résolu. Vérifiez l'URL de base sous Stores "
            "> Configuration > Web et le DNS du domaine, puis cliquez sur Reauthorize.",
            "certificate-invalid": "Le certificat TLS de la boutique n'a pas été accepté pour son hôte. Renouvelez-le "
            "ou complétez sa chaîne, puis cliquez sur Reauthorize.",
            "clock": "La boutique n'a pas pu valider le nonce ; le plus souvent son horloge retarde de plus de 600 "
            "secondes. Réglez l'horloge de la boutique par NTP et cliquez sur Reauthorize.",
            "nonce-used": "La boutique dit, deux fois de suite, que le nonce a déjà servi. Cliquez sur Reauthorize "
            "dans Magento.",
            "store-error": "La boutique a répondu par une erreur qui lui est propre. Son fichier "
            "var/log/exception.log en dit plus ; corrigez-la et cliquez sur Reauthorize.",
            "maintenance": "La boutique est en maintenance ou surchargée. Cliquez sur Reauthorize dans Magento quand "
            "elle est de retour.",
            "rate-limited": "La boutique répond qu'il y a trop de requêtes. Exemptez cette application de sa limite "
            "et cliquez sur Reauthorize.",
            "blocked": "Quelque chose devant la boutique (un pare-feu ou une protection contre les robots) a refusé "
            "l'appel. Laissez passer les requêtes vers oauth/token/ et rest/ ; si la boutique n'était pas encore "
            "connectée, cliquez sur Reauthorize.",
            "unreadable": "La réponse de la boutique n'était pas celle de Magento pour un jeton : une page, une "
            "partie de réponse ou une réponse trop longue. Vérifiez ce qui répond à oauth/token/ de l'URL de base, "
            "puis cliquez sur Reauthorize.",
            "unreachable": "La boutique n'a pas répondu à temps ou la connexion s'est interrompue. Vérifiez qu'elle "
            "est accessible depuis Internet et cliquez sur Reauthorize.",
            "busy": "Une autre exécution de cette étape est en cours. Réessayez dans 15 secondes.",
            "aws": "Un service d'AWS n'a pas pris l'appel. Réessayez ; la ligne de journal de cette activation nomme "
            "le service.",
            "unfinished": "Les étapes ne se sont pas terminées à temps. L'opérateur trouve la cause dans l'exécution "
            "de la machine à états ; cliquez ensuite sur Reauthorize dans Magento.",
        },
    ),
    "es": Language(
        "es",
        {
            "waiting.title": "Esperando a Magento",
            "waiting": "No ha llegado nada de esta integración en las últimas 24 horas. Si acaba de hacer clic en "
            "Activate, está en camino.",
            "waiting.help": "Si esta página no cambia, ciérrela y haga clic en Activate o Reauthorize en Magento, en "
            "System > Integrations.",
            "direct.title": "Esta página se abre desde Magento",
            "direct": "{app} se conecta a su tienda cuando usted activa allí su integración.",
            "direct.help": "En Magento abra System > Integrations y haga clic en Activate, o en Reauthorize si ya "
            "estuvo conectada. Esta página se abre entonces sola y muestra lo que ocurre.",
            "incomplete.title": "Este enlace está incompleto",
            "incomplete": "Magento abre esta página con la clave (consumer key) de la integración, y esta dirección "
            "no la contiene.",
            "incomplete.help": "En Magento abra System > Integrations, edite la integración y pegue de nuevo la "
            "Identity link URL tal como la da {app}, sin signo de interrogación. Después haga clic en Activate o "
            "Reauthorize.",
            "connecting.title": "Conectando su tienda",
            "connecting": "Esto tarda unos segundos.",
            "slow": "Su tienda se toma su tiempo. {app} sigue intentándolo hasta 5 minutos; deje esta ventana abierta.",
            "connected.title": "Conectada",
            "connected": "{app} ya puede trabajar con su tienda, con los permisos que usted concedió.",
            "returning": "Esta ventana le lleva de vuelta a Magento.",
            "return": "Puede volver a Magento.",
            "failed.title": "No conectada",
            "said": "La tienda dijo o mostró:",
            "move.merchant": "Siguiente paso: suyo",
            "move.operator": "Siguiente paso: del equipo de {app}",
            "move.nobody": "Siguiente paso: ninguno",
            "where": "Reauthorize está en Magento en System > Integrations, en la fila de la integración.",
            "tell": "Indique al equipo de {app} la referencia que está al pie.",
            "sign-in.title": "Un paso más: inicie sesión en {app}",
            "sign-in": "Su tienda está conectada. Inicie sesión para que {app} sepa de quién es.",
            "sign-in.going": "Esta ventana le lleva allí.",
            "sign-in.go": "Iniciar sesión en {host}",
            "unclaimed.title": "Conectada, pero sin sesión iniciada",
            "unclaimed.expired": "El inicio de sesión tardó más de 10 minutos, o su enlace se modificó por el camino.",
            "unclaimed.declined": "{app} no supo de quién es esta tienda.",
            "unclaimed.elsewhere": "Este inicio de sesión no empezó en este navegador, o el navegador no guarda "
            "cookies.",
            "unclaimed.taken": "Esta tienda ya pertenece a una cuenta de {app}.",
            "unclaimed.not-now": "{app} no puede aceptar el inicio de sesión en este momento.",
            "unclaimed.help": "Su tienda sigue conectada. En Magento haga clic en Reauthorize para iniciar sesión "
            "otra vez, o pida al equipo de {app} que le asigne la tienda.",
            "back": "Volver a Magento",
            "go": "Ir a {host}",
            "close": "Puede cerrar esta ventana.",
            "reference": "Referencia",
            "step.received": "Activación recibida",
            "step.received.means": "Magento envió a la aplicación las claves de la integración.",
            "step.requested": "Token de solicitud",
            "step.requested.means": "La aplicación pide a la tienda un primer token, temporal.",
            "step.granted": "Token de acceso",
            "step.granted.means": "La tienda da el token con el que la aplicación puede llamarla.",
            "done": "hecho",
            "now": "en curso",
            "later": "pendiente",
            "failed": "fallido",
        },
        {
            "reauthorize": "La tienda da cada token una sola vez, y este ya está gastado. En Magento abra System > "
            "Integrations y haga clic en Reauthorize.",
            "expired": "Magento concede 300 segundos desde Activate hasta el primer paso, y ya han pasado. En Magento "
            "abra System > Integrations y haga clic en Reauthorize.",
            "signature-invalid": "La tienda calculó otra firma: o el secreto (consumer secret) es otro, o la tienda "
            "ve una dirección distinta de su URL base (un proxy que termina TLS, www o http en lugar de https). Ponga "
            "en Stores > Configuration > Web > Base URLs la dirección en la que responde la tienda y haga clic en "
            "Reauthorize.",
            "integration-deleted": "La tienda ya no conoce esta integración. Créela de nuevo en System > Integrations "
            "y haga clic en Activate.",
            "consumer-key-length": "La tienda rechazó la clave (consumer key) por su longitud. Borre la integración "
            "en System > Integrations, créela de nuevo y haga clic en Activate.",
            "verifier-mismatch": "La tienda esperaba otro verificador, así que una activación más reciente sustituyó "
            "a esta. En Magento abra System > Integrations y haga clic en Reauthorize.",
            "signature-method": "La tienda no acepta ni HMAC-SHA256 ni HMAC-SHA1. Actualice Magento a una versión con "
            "soporte y haga clic en Reauthorize.",
            "header-lost": "La cabecera Authorization no llegó a Magento: un proxy o el servidor web la elimina. "
            "Déjela pasar (Apache: CGIPassAuth On; nginx: fastcgi_param HTTP_AUTHORIZATION $http_authorization) y "
            "haga clic en Reauthorize.",
            "redirected": "La tienda respondió con una redirección, y una petición firmada no debe seguirla. Ponga en "
            "Stores > Configuration > Web > Base URLs la dirección en la que la tienda responde de verdad y haga clic "
            "en Reauthorize.",
            "refused": "La tienda rechazó con palabras desconocidas; están al lado. Después haga clic en Reauthorize "
            "en Magento.",
            "superseded": "Una activación más reciente de esta tienda se conectó antes. No hay que hacer nada.",
            "another-store": "La clave de esta integración se conoce de otra tienda, así que esta no se conectó. Si la "
            "tienda se ha mudado, borre la integración en System > Integrations, créela de nuevo y haga clic en "
            "Activate.",
            "insecure-store": "La URL base de la tienda no es https, y los secretos no viajan sin cifrar. Ponga la "
            "URL base segura en Stores > Configuration > Web y haga clic en Reauthorize.",
            "port-not-allowed": "La URL base de la tienda nombra un puerto al que esta instalación no llama. Su "
            "operador puede añadir el puerto al parámetro AllowedPorts; después haga clic en Reauthorize.",
            "address-not-public": "El host de la tienda lleva a una dirección que no es pública, así que no se la "
            "llamó. Haga la tienda accesible desde Internet y haga clic en Reauthorize.",
            "host-unknown": "El nombre de host de la tienda no se puede resolver. Compruebe la URL base en Stores > "
            "Configuration > Web y el DNS del dominio, y haga clic en Reauthorize.",
            "certificate-invalid": "El certificado TLS de la tienda no se aceptó para su host. Renuévelo o complete "
            "su cadena, y haga clic en Reauthorize.",
            "clock": "La tienda no pudo validar el nonce; casi siempre su reloj va atrasado más de 600 segundos. "
            "Ponga el reloj de la tienda en hora por NTP y haga clic en Reauthorize.",
            "nonce-used": "La tienda dice, dos veces seguidas, que el nonce ya se usó. Haga clic en Reauthorize en "
            "Magento.",
            "store-error": "La tienda respondió con un error propio. Su archivo var/log/exception.log dice más; "
            "corríjalo y haga clic en Reauthorize.",
            "maintenance": "La tienda está en mantenimiento o sobrecargada. Haga clic en Reauthorize en Magento "
            "cuando vuelva.",
            "rate-limited": "La tienda responde que hay demasiadas peticiones. Exima a esta aplicación de su límite y "
            "haga clic en Reauthorize.",
            "blocked": "Algo delante de la tienda (un cortafuegos o una protección contra bots) rechazó la llamada. "
            "Deje pasar las peticiones a oauth/token/ y rest/; si la tienda aún no estaba conectada, haga clic en "
            "Reauthorize.",
            "unreadable": "La respuesta de la tienda no era la de Magento para un token: una página, parte de una "
            "respuesta o una demasiado larga. Compruebe qué responde en oauth/token/ de la URL base y haga clic en "
            "Reauthorize.",
            "unreachable": "La tienda no respondió a tiempo o la conexión se cortó. Compruebe que es accesible desde "
            "Internet y haga clic en Reauthorize.",
            "busy": "Otra ejecución de este paso está en curso. Inténtelo de nuevo en 15 segundos.",
            "aws": "Un servicio de AWS no aceptó la llamada. Inténtelo de nuevo; la línea del registro de esta "
            "activación nombra el servicio.",
            "unfinished": "Los pasos no terminaron a tiempo. El operador encuentra la causa en la ejecución de la "
            "máquina de estados; después haga clic en Reauthorize en Magento.",
        },
    ),
    "nl": Language(
        "nl",
        {
            "waiting.title": "Wachten op Magento",
            "waiting": "Er is in de afgelopen 24 uur niets voor deze integratie aangekomen. Als u net op Activate "
            "hebt geklikt, is het bericht onderweg.",
            "waiting.help": "Blijft deze pagina zoals ze is, sluit haar dan en klik in Magento onder System > "
            "Integrations op Activate of Reauthorize.",
            "direct.title": "Deze pagina opent vanuit Magento",
            "direct": "{app} maakt verbinding met uw winkel zodra u de integratie daar activeert.",
            "direct.help": "Open in Magento System > Integrations en klik op Activate, of op Reauthorize als er al "
            "eerder verbinding was. Deze pagina opent dan vanzelf en laat zien wat er gebeurt.",
            "incomplete.title": "Deze link is niet volledig",
            "incomplete": "Magento opent deze pagina met de consumer key van de integratie, en in dit adres ontbreekt "
            "die.",
            "incomplete.help": "Open in Magento System > Integrations, bewerk de integratie en plak de Identity link "
            "URL opnieuw zoals {app} die geeft, zonder vraagteken. Klik daarna op Activate of Reauthorize.",
            "connecting.title": "Uw winkel wordt verbonden",
            "connecting": "Dit duurt een paar seconden.",
            "slow": "Uw winkel neemt de tijd. {app} blijft het tot 5 minuten proberen; laat dit venster open.",
            "connected.title": "Verbonden",
            "connected": "{app} kan nu met uw winkel werken, binnen de rechten die u hebt gegeven.",
            "returning": "Dit venster brengt u terug naar Magento.",
            "return": "U kunt teruggaan naar Magento.",
            "failed.title": "Niet verbonden",
            "said": "De winkel zei of toonde:",
            "move.merchant": "Volgende stap: aan u",
            "move.operator": "Volgende stap: aan het team van {app}",
            "move.nobody": "Volgende stap: geen",
            "where": "Reauthorize staat in Magento onder System > Integrations, in de rij van de integratie.",
            "tell": "Geef het team van {app} de referentie onderaan door.",
            "sign-in.title": "Nog één stap: meld u aan bij {app}",
            "sign-in": "Uw winkel is verbonden. Meld u aan, zodat {app} weet van wie de winkel is.",
            "sign-in.going": "Dit venster brengt u erheen.",
            "sign-in.go": "Aanmelden bij {host}",
            "unclaimed.title": "Verbonden, maar niet aangemeld",
            "unclaimed.expired": "Het aanmelden duurde langer dan 10 minuten, of de link is onderweg veranderd.",
            "unclaimed.declined": "{app} weet nog niet van wie deze winkel is.",
            "unclaimed.elsewhere": "Dit aanmelden is niet in deze browser begonnen, of de browser bewaart geen "
            "cookies.",
            "unclaimed.taken": "Deze winkel hoort al bij een account van {app}.",
            "unclaimed.not-now": "{app} kan het aanmelden op dit moment niet aannemen.",
            "unclaimed.help": "Uw winkel blijft verbonden. Klik in Magento op Reauthorize om u opnieuw aan te melden, "
            "of vraag het team van {app} de winkel aan u toe te wijzen.",
            "back": "Terug naar Magento",
            "go": "Ga naar {host}",
            "close": "U kunt dit venster sluiten.",
            "reference": "Referentie",
            "step.received": "Activering ontvangen",
            "step.received.means": "Magento heeft de app de sleutels van de integratie gestuurd.",
            "step.requested": "Request token",
            "step.requested.means": "De app vraagt de winkel om een eerste, tijdelijk token.",
            "step.granted": "Access token",
            "step.granted.means": "De winkel geeft het token waarmee de app haar mag aanroepen.",
            "done": "klaar",
            "now": "bezig",
            "later": "komt nog",
            "failed": "mislukt",
        },
        {
            "reauthorize": "De winkel geeft elk token maar één keer, en dit is gebruikt. Open in Magento System > "
            "Integrations en klik op Reauthorize.",
            "expired": "Magento geeft 300 seconden van Activate tot de eerste stap, en die zijn voorbij. Open in "
            "Magento System > Integrations en klik op Reauthorize.",
            "signature-invalid": "De winkel berekende een andere handtekening: of het consumer secret is een ander, "
            "of de winkel ziet een ander adres dan haar basis-URL (een proxy die TLS beëindigt, www of http in plaats "
            "van https). Zet onder Stores > Configuration > Web > Base URLs het adres waarop de winkel antwoordt, en "
            "klik dan op Reauthorize.",
            "integration-deleted": "De winkel kent deze integratie niet meer. Maak haar opnieuw aan onder System > "
            "Integrations en klik op Activate.",
            "consumer-key-length": "De winkel weigerde de consumer key om zijn lengte. Verwijder de integratie onder "
            "System > Integrations, maak haar opnieuw aan en klik op Activate.",
            "verifier-mismatch": "De winkel verwachtte een andere verifier, dus een nieuwere activering heeft deze "
            "vervangen. Open in Magento System > Integrations en klik op Reauthorize.",
            "signature-method": "De winkel accepteert HMAC-SHA256 noch HMAC-SHA1. Werk Magento bij naar een "
            "ondersteunde versie en klik op Reauthorize.",
            "header-lost": "De header Authorization kwam niet bij Magento aan: een proxy of de webserver haalt hem "
            "weg. Laat hem door (Apache: CGIPassAuth On; nginx: fastcgi_param HTTP_AUTHORIZATION $http_authorization) "
            "en klik dan op Reauthorize.",
            "redirected": "De winkel antwoordde met een omleiding, en die mag een ondertekend verzoek niet volgen. "
            "Zet onder Stores > Configuration > Web > Base URLs het adres waarop de winkel echt antwoordt, en klik "
            "dan op Reauthorize.",
            "refused": "De winkel weigerde in onbekende woorden; ze staan hiernaast. Klik daarna in Magento op "
            "Reauthorize.",
            "superseded": "Een nieuwere activering van deze winkel is eerst verbonden. Er hoeft niets te gebeuren.",
            "another-store": "De sleutel van deze integratie is bekend van een andere winkel, dus deze is niet "
            "verbonden. Is de winkel verhuisd, verwijder dan de integratie onder System > Integrations, maak haar "
            "opnieuw aan en klik op Activate.",
            "insecure-store": "De basis-URL van de winkel is niet https, en geheimen reizen niet onversleuteld. Zet "
            "de veilige basis-URL onder Stores > Configuration > Web en klik op Reauthorize.",
            "port-not-allowed": "De basis-URL van de winkel noemt een poort die deze installatie niet aanroept. De "
            "beheerder kan de poort toevoegen aan de parameter AllowedPorts; klik daarna op Reauthorize.",
            "address-not-public": "De host van de winkel leidt naar een adres dat niet openbaar is, dus hij is niet "
            "aangeroepen. Maak de winkel bereikbaar vanaf het internet en klik op Reauthorize.",
            "host-unknown": "De hostnaam van de winkel kan niet worden opgezocht. Controleer de basis-URL onder "
            "Stores > Configuration > Web en de DNS van het domein, en klik dan op Reauthorize.",
            "certificate-invalid": "Het TLS-certificaat van de winkel werd voor haar host niet geaccepteerd. Vernieuw "
            "het of maak de keten compleet, en klik dan op Reauthorize.",
            "clock": "De winkel kon de nonce niet controleren; meestal loopt haar klok meer dan 600 seconden achter. "
            "Zet de klok van de winkel gelijk met NTP en klik op Reauthorize.",
            "nonce-used": "De winkel zegt twee keer achter elkaar dat de nonce al gebruikt is. Klik in Magento op "
            "Reauthorize.",
            "store-error": "De winkel antwoordde met een eigen fout. Haar bestand var/log/exception.log zegt meer; "
            "herstel die en klik op Reauthorize.",
            "maintenance": "De winkel is in onderhoud of overbelast. Klik in Magento op Reauthorize als ze terug is.",
            "rate-limited": "De winkel antwoordt dat er te veel verzoeken zijn. Zonder deze app van haar limiet uit "
            "en klik op Reauthorize.",
            "blocked": "Iets vóór de winkel (een firewall of bescherming tegen bots) weigerde de aanroep. Laat "
            "verzoeken naar oauth/token/ en rest/ door; was de winkel nog niet verbonden, klik dan op Reauthorize.",
            "unreadable": "Het antwoord van de winkel was niet het tokenantwoord van Magento: een pagina, een deel "
            "van een antwoord of een te lang antwoord. Controleer wat er antwoordt op oauth/token/ van de basis-URL, "
            "en klik dan op Reauthorize.",
            "unreachable": "De winkel antwoordde niet op tijd of de verbinding brak af. Controleer of ze vanaf het "
            "internet bereikbaar is en klik op Reauthorize.",
            "busy": "Een andere uitvoering van deze stap is bezig. Probeer het over 15 seconden opnieuw.",
            "aws": "Een dienst van AWS nam de aanroep niet aan. Probeer het opnieuw; de logregel van deze activering "
            "noemt de dienst.",
            "unfinished": "De stappen kwamen niet op tijd tot een einde. De beheerder vindt de oorzaak in de "
            "uitvoering van de state machine; klik daarna in Magento op Reauthorize.",
        },
    ),
}
