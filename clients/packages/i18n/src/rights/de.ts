import type { RightsMessages } from './index'

export const messages: RightsMessages = {
  loading: 'Wird geladen',
  failed: 'Diese Seite konnte nicht geladen werden.',
  retry: 'Noch einmal versuchen',
  'error.offline':
    'Der Shop ist nicht erreichbar. Prüfen Sie Ihre Verbindung, und versuchen Sie es noch einmal.',
  'error.tooMany':
    'Zu viele Versuche in kurzer Zeit. Warten Sie eine Minute, und versuchen Sie es noch einmal.',
  'error.later': 'Bei uns ist etwas schiefgegangen. Versuchen Sie es in einem Moment noch einmal.',
  'shop.unknown': 'Diesen Shop gibt es nicht. Prüfen Sie die Adresse.',
  'shop.notOffered': 'Dieser Shop bietet das nicht an. Bitte wenden Sie sich an ihn.',
  email: 'E-Mail',
  emailHint: 'Die Adresse, mit der Sie bestellt haben',
  name: 'Name',
  code: 'Sechsstelliger Code',
  codeWrong: 'Dieser Code ist nicht richtig oder nicht mehr gültig.',
  change: 'Angaben ändern',
  continue: 'Weiter',
  privacy: 'Sie brauchen weder Konto noch Passwort.',
  'withdraw.title': 'Vertrag widerrufen',
  'withdraw.text': 'Sie können einen Kauf bei {shop} binnen 14 Tagen ohne Angabe von Gründen widerrufen.',
  'withdraw.order': 'Bestellnummer',
  'withdraw.orderHint': 'Sie steht in der E-Mail, die Ihre Bestellung bestätigt hat.',
  'withdraw.codeTitle': 'Widerruf bestätigen',
  'withdraw.codeText':
    'Sie widerrufen die Bestellung {number}. Gibt es diese Bestellung, ist ein Code unterwegs an {email}: Geben Sie ihn zur Bestätigung ein.',
  'withdraw.confirm': 'Widerruf bestätigen',
  'withdraw.doneTitle': 'Sie haben den Vertrag widerrufen',
  'withdraw.doneText': 'Ihre Erklärung ist am {date} eingegangen. Eine Bestätigung ist unterwegs an {email}.',
  'withdraw.contract': 'Vertrag',
  'withdraw.refund': 'Erstattung',
  'withdraw.refundText':
    'Das Geld geht binnen 14 Tagen auf das Zahlungsmittel zurück, das Sie verwendet haben.',
  'withdraw.proRata':
    'Sie haben verlangt, dass die Leistung sofort beginnt: Die Zeit bis zu Ihrer Erklärung ist zu bezahlen.',
  'withdraw.noRefund': 'Es gibt keine Zahlung zu erstatten.',
  'withdraw.disputed': 'Eine Zahlung ist strittig: Ihre Bank hat dieses Geld oder entscheidet darüber.',
  'withdraw.lost':
    'Dies wurde auf Ihren Wunsch sofort bereitgestellt. Sie haben an der Kasse zugestimmt, dass Sie dadurch das Widerrufsrecht verlieren.',
  'withdraw.over': 'Die Widerrufsfrist ist abgelaufen.',
  'withdraw.none': 'Für diese Bestellung gibt es kein Widerrufsrecht. Bitte wenden Sie sich an den Shop.',
  'cancel.title': 'Verträge hier kündigen',
  'cancel.text': 'Kündigen Sie ein Abonnement bei {shop}.',
  'cancel.number': 'Bestell- oder Vertragsnummer',
  'cancel.numberHint': 'Sie steht in der E-Mail, die Ihre Bestellung bestätigt hat.',
  'cancel.kind': 'Wann soll der Vertrag enden?',
  'cancel.ordinary': 'Zum Ende des bezahlten Zeitraums',
  'cancel.extraordinary': 'Sofort, aus wichtigem Grund',
  'cancel.reason': 'Grund',
  'cancel.reasonHint': 'Warum ist es Ihnen nicht zumutbar, das Ende des Zeitraums abzuwarten?',
  'cancel.checkTitle': 'Kündigung prüfen',
  'cancel.confirm': 'Jetzt kündigen',
  'cancel.doneTitle': 'Ihre Kündigung ist eingegangen',
  'cancel.doneText':
    'Sie ist am {date} eingegangen. Passen die Angaben zu einem Vertrag, geht eine Bestätigung mit dem Tag, an dem er endet, an {email}.',
  'cancel.doneNothing':
    'Keine E-Mail nach einigen Minuten? Prüfen Sie die Angaben, oder wenden Sie sich an den Shop.',
  'cancel.doneLink':
    'Sie ist am {date} eingegangen. Passen die Angaben zu einem Vertrag, geht ein Link an {email}: Der Vertrag endet sofort, wenn Sie dort binnen 24 Stunden bestätigen.',
  'cancel.linkTitle': 'Kündigung bestätigen',
  'cancel.linkText':
    'Sie kündigen einen Vertrag mit {shop} mit sofortiger Wirkung. Er endet, sobald Sie bestätigen.',
  'cancel.linkConfirm': 'Vertrag jetzt beenden',
  'cancel.linkOver': 'Dieser Link ist nicht oder nicht mehr gültig. Erklären Sie die Kündigung noch einmal.',
  'cancel.endedTitle': 'Der Vertrag ist beendet',
  'cancel.endedText': '{product} endete am {date}. Eine Bestätigung ist unterwegs an Sie.',
}
